"""The API: what is published, over HTTP, for holders of a token."""
