"""The web server: bytes in, answers out. Requests are received, authenticated, batched and answered here."""
