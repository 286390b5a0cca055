"""Live collection: receiver, queue on disk, gaps, scoring into the database.

Imports project, privacy/keys, posts, sentiment/model, /rating, store, collect and collect/x_api.
No stage.
"""
