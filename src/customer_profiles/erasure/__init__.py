"""Erasure from pages, files and database: purge, expire, key rotation, compliance.

Imports project, privacy, privacy/keys, posts, posts/formats, store, collect and collect/x_api.
No stage.
"""
