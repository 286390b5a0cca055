"""Segments: clustering, the evidence for it, the verdict, figures.

Imports project and privacy. Touches no file.
Stage cluster.
"""
