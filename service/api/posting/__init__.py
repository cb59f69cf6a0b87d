"""Where events are posted: the envelope, the schema of every event type, and the intake."""
