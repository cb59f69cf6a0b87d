"""Benchmarks. Each figure is compared with a peer or with PostgreSQL itself, in one run on one machine.

Times are measured only here, never in a test.
"""
