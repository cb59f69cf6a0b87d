"""The service's queries, one file each."""
