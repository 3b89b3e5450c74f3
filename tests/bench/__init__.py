"""Benchmarks against the project's targets and against peers, run by hand: ``python -m tests.bench``.

They are no tests: what they say holds for the machine they ran on, at that time.
"""
