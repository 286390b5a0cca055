"""Measures of the model: metrics, calibration, baselines, slices, comparison.

Imports project and the other rooms of sentiment. Touches no file.
Stage evaluate.
"""
