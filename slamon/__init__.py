"""slamon: measures a network service, judges it against its contract, computes the credit owed, proves it."""

__version__ = "0.1.0"
