"""A small log of every released version, and answers computed from it.

`python -m tests.released` writes those of the current version.
"""
