# Suyuan's service and projector. The database is yours: set DATABASE_URL and SUYUAN_SECRET.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.lock pyproject.toml ./
RUN python -m venv /opt/suyuan \
    && /opt/suyuan/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY domain domain
COPY migrations migrations
COPY projections projections
COPY service service
RUN /opt/suyuan/bin/pip install --no-cache-dir --no-deps --no-build-isolation --no-index .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/suyuan --create-home suyuan
COPY --from=build /opt/suyuan /opt/suyuan
ENV PATH=/opt/suyuan/bin:$PATH HOST=0.0.0.0 SUYUAN_HOME=/var/lib/suyuan PYTHONDONTWRITEBYTECODE=1
USER suyuan
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/healthz', timeout=2)"]
CMD ["suyuan", "serve"]
