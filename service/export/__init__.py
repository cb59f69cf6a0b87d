"""A fund's books in the formats of other programs."""
