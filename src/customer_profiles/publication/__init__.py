"""The published document: schema, names, briefs, continuity, report, page, notices.

Imports project, privacy and publication/page. Only page, report and standing touch files.
Stages load and publish.
"""
