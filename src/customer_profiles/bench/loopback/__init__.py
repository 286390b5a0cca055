"""X on loopback: a server that answers as X does, and fails as X does.

Imports project, privacy/keys and collect/x_api.
No stage.
"""
