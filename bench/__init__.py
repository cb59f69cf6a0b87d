"""Measurements: each figure beside a peer and the raw limit, in one run on one machine. Never a timed test."""
