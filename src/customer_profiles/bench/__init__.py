"""Benchmarks, each of which writes data/reports/bench/NAME.json.

Imports any room; only commands imports it.
No stage.
"""
