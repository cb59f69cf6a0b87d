"""The HTTP API. `resources` answer reads, `posting` takes events in, `contract` publishes what is promised."""
