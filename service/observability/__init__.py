"""The logs and metrics of a running service."""
