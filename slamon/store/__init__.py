"""Facts and declarations on disk: one schema, one writing daemon, any number of readers beside it."""

from slamon.store.declarations import Act, Draft
from slamon.store.lock import locked
from slamon.store.reading import StoredFacts
from slamon.store.schema import StoreError, found
from slamon.store.store import Answering, Declarations, Store
from slamon.store.thread import StoreThread

__all__ = [
    "Act",
    "Answering",
    "Declarations",
    "Draft",
    "Store",
    "StoreError",
    "StoreThread",
    "StoredFacts",
    "found",
    "locked",
]
