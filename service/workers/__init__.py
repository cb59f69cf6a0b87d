"""The background workers of the service: the projector and the scheduler of checks."""
