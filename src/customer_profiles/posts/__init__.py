"""Posts: files of X pages, posts and authors on them, flags, languages, observations, retention.

Imports project, privacy and posts/formats. Only archive touches files.
Stages pull, score, load and publish.
"""
