# Two commands on a fresh machine do everything: `make demo` and `make test`.
.PHONY: install demo test run-tests check bench browser connect editor spark clean
export UV_PYTHON_DOWNLOADS = never
PYTHON ?= python3
BIN = .venv/bin
WORKERS ?= 2

install: .venv/installed

.venv/installed: pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/pip install --quiet uv
	@$(BIN)/uv sync --quiet --frozen --inexact --all-extras --compile-bytecode
	@$(BIN)/python -m compileall -q src
	@touch .venv/installed

# A world of people who do not exist, two years of it, and links to walk into it.
demo: install
	@$(BIN)/whiteslip demo

# What reads the code and what runs it have nothing to say to each other: both at once.
test: browser connect
	@$(MAKE) --no-print-directory --jobs 2 check run-tests

run-tests: install
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal

check: install
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-cache > .venv/lint-imports.log || { cat .venv/lint-imports.log; exit 1; }
	@$(BIN)/pyright --warnings

# Us and the yardstick in turn, on one server, with its default durability. BENCH="post --rounds 3" asks for less.
bench: install
	@$(BIN)/python -m benchmarks.run $(BENCH)

# Browser tests use Debian's chromium. Where it cannot be installed they are skipped, and say so.
browser:
	@command -v chromium > /dev/null || { \
	  echo "chromium is not installed; trying apt-get" >&2; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk; } > /dev/null 2>&1 \
	  || sudo -n sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk' > /dev/null 2>&1 \
	  || echo "chromium could not be installed: the browser tests are skipped" >&2; }

# The visual policy editor, from frontend/editor into static files that are committed. It needs node; nothing else does.
editor:
	@cd frontend/editor && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs

# What a real Spark Connect server needs: pyspark, half a gigabyte, and Java. Where they cannot be installed the
# test that compares every measure on one is skipped, and says so.
connect: install
	@$(BIN)/uv sync --quiet --frozen --inexact --all-extras --group spark \
	  || echo "pyspark could not be installed: the comparison on Spark is skipped" >&2
	@command -v java > /dev/null || { \
	  echo "java is not installed; trying apt-get" >&2; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jre-headless; } > /dev/null 2>&1 \
	  || sudo -n sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jre-headless' > /dev/null 2>&1 \
	  || echo "java could not be installed: the comparison on Spark is skipped" >&2; }

# That comparison alone.
spark: connect
	@$(BIN)/pytest tests/portfolio/test_spark.py

clean:
	rm -rf .venv .demo
