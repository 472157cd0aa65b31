# SPDX-License-Identifier: Apache-2.0
"""Dates and durations as simlabd keeps them: whole numbers of the unit that the variable declares in
its attrs, as the CF conventions have it, so that xarray reads the store as dates again."""

import datetime
import re

import numpy as np

UNITS = {
    "days": "D",
    "hours": "h",
    "minutes": "m",
    "seconds": "s",
    "milliseconds": "ms",
    "microseconds": "us",
    "nanoseconds": "ns",
}
_SINCE = re.compile(r"(\w+) since 1970-0?1-0?1(?:[T ]0?0:00(?::00)?(?:\.0*)?Z?)?$")
_OBJECTS = (datetime.date, datetime.timedelta)  # a datetime is a date, too


def declared(units):
    """The dtype of dates, or durations, in these units: "M8[s]", "m8[s]"; None: they are no such."""
    found = _SINCE.match(units) if isinstance(units, str) else None
    if found:
        unit = UNITS.get(found[1])
        return f"M8[{unit}]" if unit else None
    unit = UNITS.get(units) if isinstance(units, str) else None
    return f"m8[{unit}]" if unit else None


def are_times(value):
    """Whether these are dates or durations, of NumPy or Python."""
    if isinstance(value, _OBJECTS):
        return True
    try:
        return _array(value).dtype.kind in "mM"
    except ValueError:  # no array at all
        return False


def _first(value):
    while isinstance(value, list):
        value = value[0] if value else None
    return value


def _array(value):
    if isinstance(value, datetime.timedelta):
        return np.asarray(np.timedelta64(value))
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        raise TypeError("a date with a time zone cannot be kept: dates are UTC here, without one")
    if isinstance(value, datetime.date):
        return np.asarray(np.datetime64(value))
    if isinstance(value, list) and isinstance(_first(value), _OBJECTS):
        kind = "m8[us]" if isinstance(_first(value), datetime.timedelta) else "M8[us]"
        return np.asarray(value, kind)
    return np.asarray(value)


def _needed(kind):
    since = " since 1970-01-01" if kind == "M" else ""
    what = "dates" if kind == "M" else "durations"
    return (
        f"{what} are kept as whole numbers of a unit, which it has to declare: "
        f'attrs={{"units": "seconds{since}"}}, or another of {", ".join(UNITS)}'
    )


def count(value, dtype):
    """As int64 of that dtype's unit; None where these are no times. `dtype` as declared() gives it."""
    if not are_times(value):
        return None
    array = _array(value)
    kind, unit = array.dtype.kind, np.datetime_data(array.dtype)[0]
    if dtype is None or dtype[0] != kind:
        raise TypeError(_needed(kind))
    if np.isnat(array).any():
        raise ValueError("NaT is no whole number, and cannot be kept")
    if kind == "m" and unit in ("Y", "M", "generic"):
        raise TypeError(f"durations of unit {unit!r} have no length")
    if array.dtype == dtype:
        return array.view("i8")  # of the same memory: what was changed in place is there already
    counted = array.astype(dtype)
    if (counted.astype(array.dtype) != array).any() or (counted.astype("i8") == np.iinfo("i8").min).any():
        raise ValueError(f"{array.dtype} cannot be kept in the unit that is declared, {dtype}, without loss")
    return counted.astype("i8")
