"""The project's key, its file, and the tombstones of what was erased.

Imports project.
Stages pull, score, load, cluster and publish.
"""
