"""The bytes of a calendar file (.ics) → its components, as icalendar makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_AGAIN = "export it again as .ics"


def components(data: bytes) -> list[Any]:
    """The calendars of the file. Raises ValueError (`reason; fix`) for whatever icalendar trips over."""
    from icalendar import Calendar  # noqa: PLC0415  takes long, and few commands need it

    try:
        found: Any = Calendar.from_ical(data.removeprefix(b"\xef\xbb\xbf"), multiple=True)
    except OSError as error:  # the tz database has folders, such as Europe
        name = Path(error.filename or "").name
        raise ValueError(
            f"it names a time zone that is none: {name}; write one of the tz database, such as Europe/Berlin"
        ) from error
    except (
        ValueError,
        AttributeError,
        TypeError,
        LookupError,
        ArithmeticError,
    ) as error:  # of a property that stands twice, too
        raise ValueError(f"not a calendar (RFC 5545); {_AGAIN}") from error
    calendars = [each for each in found if each.name == "VCALENDAR"]
    if not calendars:
        raise ValueError(f"not a calendar (RFC 5545); {_AGAIN}")
    return calendars
