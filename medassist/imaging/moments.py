"""Dates and times of DICOM (PS3.5 6.2: DT, DA with TM) as moments; a value that is none gives None."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

DAY = timedelta(days=1)

_CLOCK = re.compile(r"(\d{2}):?(\d{2})?:?(\d{2})?(?:\.(\d{1,6}))?$")
_ZONE = re.compile(r"([+-])(\d{2}):?(\d{2})$")


def moment(text: str, zone: str = "") -> datetime | None:
    """Return a date and time (YYYYMMDDHHMMSS.FFFFFF&ZZXX); `zone` (&ZZXX) holds where the text states none."""
    plain = text.strip()
    own = _ZONE.search(plain[8:])
    stated = own.group() if own else zone
    if own:
        plain = plain[: -len(own.group())]
    clock = time_of_day(plain[8:])
    try:
        day = datetime.strptime(plain[:8], "%Y%m%d")
    except ValueError:
        return None
    return None if clock is None else (day + clock).replace(tzinfo=_offset(stated))


def time_of_day(text: str) -> timedelta | None:
    """Return a time (HHMMSS.FFFFFF, shorter forms too) as the time since midnight."""
    found = _CLOCK.match(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[:3])
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=int((found[4] or "0").ljust(6, "0")))


def is_wall_time(when: datetime) -> bool:
    """Tell whether no time zone is known."""
    return when.tzinfo is None


def wall_time(when: datetime) -> datetime:
    """Return what the clock on the wall showed."""
    return when.replace(tzinfo=None)


def _offset(zone: str) -> timezone | None:
    found = _ZONE.fullmatch(zone.strip())
    if found is None:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-offset if found[1] == "-" else offset) if offset < DAY else None
