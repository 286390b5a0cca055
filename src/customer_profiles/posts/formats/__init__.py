"""Formats: what people hold of X, opened, recognised by content and read as API v2 pages.

Imports project. Only containers and rewriting touch files; recognition names the families.
Stages pull, score and publish.
"""
