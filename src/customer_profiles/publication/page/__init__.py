"""The page: HTML, style and scripts, and the function that puts them together.

Imports project.
Stage publish; the API serves it.
"""
