"""X on loopback: a server that answers as X does, and fails as X does.

Imports collect/x_api.
No stage.
"""
