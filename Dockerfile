# syntax=docker/dockerfile:1

FROM python:3.12-slim AS build
COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /bin/uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app

# The libraries in a layer of their own: they change seldom.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --extra s3 --extra formats --no-install-project

# Building the package makes the playground, with a Node.js that is only there for the build.
COPY README.md LICENSE ./
COPY gql_service gql_service
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=cache,target=/root/.npm \
    uv sync --locked --no-dev --extra s3 --extra formats --no-editable \
    && test -e .venv/lib/python3.12/site-packages/gql_service/playground/bundle/page.html


FROM python:3.12-slim
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data gql-service \
    && install --directory --owner=gql-service --group=gql-service /data
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GQL_SERVICE_DATA_DIR=/data \
    GQL_SERVICE_HOST=0.0.0.0
USER gql-service
WORKDIR /data
VOLUME /data
EXPOSE 8000

# Past any proxy that the environment names, at the port that it names.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "\
import os, urllib.request as r; \
port = os.environ.get('GQL_SERVICE_PORT', '8000'); \
r.build_opener(r.ProxyHandler({})).open(f'http://127.0.0.1:{port}/healthz', timeout=4)"]

CMD ["gql-service", "serve"]
