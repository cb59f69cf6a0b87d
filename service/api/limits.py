"""What a request may hold, in one place: the contract tells it, the web server and the intake keep to it."""

from __future__ import annotations

from service.api.strict import MOST_DEPTH

ONE = "application/cloudevents+json"
BUNDLE = "application/cloudevents-batch+json"
BINARY = "application/json"
LINES = "application/x-ndjson"
STREAM = "text/event-stream"
POSTED = {"Accept-Post": f"{ONE}, {BUNDLE}, {BINARY}"}

MOST_BYTES = 8 * 1024 * 1024
MOST_IN_BUNDLE = 1_000
MOST_IN_PAGE = 1_000
MOST_LINES = 20_000
MOST_PAGE_BYTES = 4 * 1024 * 1024
LIMITS = {"body_bytes": MOST_BYTES, "bundle_events": MOST_IN_BUNDLE, "json_depth": MOST_DEPTH, "page": MOST_IN_PAGE}
