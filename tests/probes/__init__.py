"""Every kind of probe against real servers, and the contract they all keep."""
