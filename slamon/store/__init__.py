"""Facts and declarations on disk: one schema, one writing daemon, any number of readers beside it."""

from slamon.store.lock import locked
from slamon.store.reading import StoredFacts
from slamon.store.schema import StoreError, found
from slamon.store.store import Store
from slamon.store.thread import StoreThread

__all__ = ["Store", "StoreError", "StoreThread", "StoredFacts", "found", "locked"]
