"""What the operator sees of a running service: logs and metrics."""
