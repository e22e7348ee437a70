# Two commands on a fresh machine do everything: `make demo` and `make test`.
.PHONY: install demo test check bench browser clean
export UV_PYTHON_DOWNLOADS = never
PYTHON ?= python3
BIN = .venv/bin
WORKERS ?= 2

install: .venv/installed

.venv/installed: pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/pip install --quiet uv
	@$(BIN)/uv sync --quiet --frozen --inexact
	@touch .venv/installed

test: check
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal

check: install
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-cache > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }
	@$(BIN)/pyright --warnings

clean:
	rm -rf .venv
