"""The one exception for a full queue, whichever queue it is. (Too many requests of one sender: auth/rate_limit.py.)"""


class Overloaded(Exception):
    """A bounded queue is full. Nothing was done; the request is answered 503 with Retry-After."""
