"""The published document: schema, names, briefs, continuity, report and page.

Imports project and privacy. Only page and report touch files.
Stages load and publish.
"""
