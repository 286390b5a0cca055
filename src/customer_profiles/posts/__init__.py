"""Posts: files of X pages, posts and authors on them, flags, languages, observations, retention.

Imports project, privacy and posts/formats. Only archive and places touch files.
Stages pull, score, load and publish.
"""
