"""Audience segments from posts that mention a brand, with proof and without identities."""
