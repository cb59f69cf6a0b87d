"""The processes beside the web server: the projector, and the scheduler of checks."""
