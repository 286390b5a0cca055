"""MongoDB: observations, the profiles derived from them, and what is published."""

from customer_profiles.store.server import StoreError, database

__all__ = ["StoreError", "database"]
