"""Erasure from pages, files, database and publications: purge, expire, key rotation, compliance.

Imports project, privacy, /keys, posts, /formats, publication, store, collect and /x_api.
No stage.
"""
