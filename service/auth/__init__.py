"""Who may do what: grants, API keys, tokens of an identity provider, and the rate limit."""
