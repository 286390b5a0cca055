"""X's API v2: requests, retries, errors, the stream, compliance jobs.

Imports no other room.
No stage.
"""
