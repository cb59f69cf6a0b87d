"""Receives posted events: the CloudEvents envelope, the schema of every event type, and the endpoints."""
