"""The configuration: YAML text → nodes with their places → validated models → targets, services and contract terms."""

from slamon.config.configuration import Config, StoreConfig, WebConfig, load
from slamon.config.environment import Secrets
from slamon.config.services import Service

__all__ = ["Config", "Secrets", "Service", "StoreConfig", "WebConfig", "load"]
