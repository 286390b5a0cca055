"""The published document: schema, names, briefs, continuity, report and page.

Imports project, privacy and publication/page. Only page and report touch files.
Stages load and publish.
"""
