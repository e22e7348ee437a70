FROM python:3.13-slim
# The folder is made here so that a new volume in its place belongs to the user.
RUN useradd --create-home whiteslip && install -d -o whiteslip -g whiteslip /home/whiteslip/data
WORKDIR /app
COPY pyproject.toml uv.lock README.md LICENSE NOTICE ./
COPY src src
RUN pip install --no-cache-dir uv && uv sync --frozen --no-dev --no-editable
USER whiteslip
ENV PATH=/app/.venv/bin:$PATH
CMD ["sh", "-c", "whiteslip init && exec whiteslip up"]
