"""Segments: clustering, the evidence for it, the verdict, figures.

Imports project and privacy. Only comparison touches a file.
Stage cluster.
"""
