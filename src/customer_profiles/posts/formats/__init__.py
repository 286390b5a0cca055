"""Formats: what people hold of X, opened, recognised by content and read as API v2 pages.

Imports project and posts/tally. Only containers touches files; recognition names the families.
Stages pull, score and publish.
"""
