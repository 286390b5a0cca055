"""Live collection: receiver, queue on disk, gaps, scoring into the database.

Imports project, privacy/keys, posts, sentiment/model and /rating, store, collect, collect/x_api.
No stage.
"""
