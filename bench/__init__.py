"""Benchmarks. Each figure is compared with another program (a peer) or with PostgreSQL, in one run on one machine.

Times are measured only here, never in a test.
"""
