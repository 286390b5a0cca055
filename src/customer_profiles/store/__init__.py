"""MongoDB: observations, the profiles derived from them, and what is published."""

from customer_profiles.store.errors import StoreError
from customer_profiles.store.server import database

__all__ = ["StoreError", "database"]
