FROM python:3.13-slim
RUN useradd --create-home whiteslip
WORKDIR /app
COPY pyproject.toml uv.lock README.md LICENSE NOTICE ./
COPY src src
RUN pip install --no-cache-dir uv && uv sync --frozen --no-dev --no-editable
USER whiteslip
ENV PATH=/app/.venv/bin:$PATH
CMD ["sh", "-c", "whiteslip init && exec whiteslip up"]
