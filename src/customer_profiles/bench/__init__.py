"""Benchmarks, each of which writes data/reports/bench/NAME.json.

Imports any room. Only commands imports it.
No stage.
"""
