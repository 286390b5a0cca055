"""MongoDB: observations, profiles derived from them, publications, tokens.

Imports project, privacy, privacy/keys, posts and publication.
Stages load and publish.
"""
