"""What people and Prometheus reach over HTTP. It shows what was judged and computes nothing."""

from slamon.web.app import Site, make_app
from slamon.web.server import serving

__all__ = ["Site", "make_app", "serving"]
