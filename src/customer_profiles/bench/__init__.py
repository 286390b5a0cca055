"""Benchmarks: of each, data/reports/bench/NAME.json holds figures that are ratios of one run.

A figure that is none, and so holds for one machine only, stands under `absolute` or has its unit in
its name.
"""
