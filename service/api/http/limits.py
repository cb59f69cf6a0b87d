"""Limits on requests and responses: published in the contract, enforced by the gateway and the event intake."""

from __future__ import annotations

from service.api.http.strict_json import MAX_DEPTH, MAX_VALUES

EVENT = "application/cloudevents+json"
BUNDLE = "application/cloudevents-batch+json"
BINARY = "application/json"
LINES = "application/x-ndjson"
STREAM = "text/event-stream"
POSTED = {"Accept-Post": f"{EVENT}, {BUNDLE}, {BINARY}"}

MAX_HEAD_BYTES = 32 * 1024
"""Maximum size of a request's path, query, and names and values of headers, with 4 bytes for each header's line."""
MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_BUNDLE_EVENTS = 1_000
MAX_PAGE_ROWS = 1_000
MAX_FEED_LINES = 20_000
MAX_PAGE_BYTES = 1024 * 1024
LIMITS = {
    "body_bytes": MAX_BODY_BYTES,
    "bundle_events": MAX_BUNDLE_EVENTS,
    "json_depth": MAX_DEPTH,
    "json_values": MAX_VALUES,
    "page": MAX_PAGE_ROWS,
}
