"""What is true now: the state of each aggregate, and the entities that a project keeps."""
