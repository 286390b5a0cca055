"""Paths, settings, files, vocabulary and the style of charts.

Imports no other room.
Every stage depends on it.
"""
