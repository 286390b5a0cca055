"""Measures of the model: metrics, calibration, baselines, slices, comparison.

Imports project, sentiment/data, /model, /training and /rating. Touches no file.
Stage evaluate.
"""
