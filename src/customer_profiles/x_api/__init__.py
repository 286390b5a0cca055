"""The X API: search, mentions and counts, page by page, as X sends them."""
