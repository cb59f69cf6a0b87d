"""The state of each aggregate, and the entities of a project."""
