"""Calendars as RFC 5545 writes them, read as dateutil and icalendar read them, with whatever is wrong as a `ValueError` (`reason; fix`)."""
