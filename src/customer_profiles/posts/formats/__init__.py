"""Formats of posts other than X API v2 pages: each module makes v2 pages of one family of formats.

Imports no other room.
Stage pull.
"""
