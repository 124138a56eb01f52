"""Facts and declarations on disk: one schema, one writing daemon, any number of readers beside it."""

from slamon.store.declarations import Act, Draft
from slamon.store.history import Declarations, Stood
from slamon.store.lock import locked
from slamon.store.reading import StoredFacts
from slamon.store.schema import StoreError, found
from slamon.store.store import Answering, Store
from slamon.store.thread import StoreThread

__all__ = [
    "Act",
    "Answering",
    "Declarations",
    "Draft",
    "Stood",
    "Store",
    "StoreError",
    "StoreThread",
    "StoredFacts",
    "found",
    "locked",
]
