"""Reads the plan file of a district strictly, and converts it to the events that set up its fund."""
