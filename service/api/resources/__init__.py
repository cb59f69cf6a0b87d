"""One module per resource: its routes, their parameters and their answers."""
