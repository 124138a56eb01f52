"""Judged values and counters → the page Prometheus scrapes."""

from slamon.metrics.exposition import CONTENT_TYPE, Exposition, families
from slamon.metrics.family import Family, View

__all__ = ["CONTENT_TYPE", "Exposition", "Family", "View", "families"]
