"""Authentication and authorization: API keys, tokens of an identity provider, grants, and the rate limit."""
