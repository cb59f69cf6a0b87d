"""The HTTP API: `resources` serves reads, `posting` accepts events, `contract` publishes the API description."""
