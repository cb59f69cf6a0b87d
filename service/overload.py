"""The exception for any full queue. (For too many requests of one sender, see auth/rate_limit.py.)"""


class Overloaded(Exception):
    """A bounded queue is full. Nothing was executed; the response is 503 with Retry-After."""
