"""The web server: receives, authenticates and batches requests, and sends the responses."""
