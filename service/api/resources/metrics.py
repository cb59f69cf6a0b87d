"""/metrics: the metrics for Prometheus."""

from __future__ import annotations

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.http import response_headers
from service.api.http.operation import operation
from service.api.http.work import MONITOR
from service.observability import metrics

bp = Blueprint("metrics", __name__)


@bp.get("/metrics")
@operation("Get the metrics for Prometheus", "供 Prometheus 采集的指标", None, scope="admin", work=MONITOR)
def measurements() -> Response:
    text = metrics.exposition(current_app.extensions["metrics"])
    return Response(text, headers={"Cache-Control": response_headers.NO_STORE}, content_type=CONTENT_TYPE_LATEST)
