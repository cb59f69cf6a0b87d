"""A district's plan as a file: read strictly, and turned into the events that set up its fund."""
