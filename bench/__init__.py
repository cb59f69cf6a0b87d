"""Benchmarks: each figure is measured with a peer and the raw limit, in one run on one machine. No test is timed."""
