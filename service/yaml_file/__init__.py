"""Reads YAML files that people write by hand, strictly: every error has its line, its field and its reason."""
