# SPDX-License-Identifier: Apache-2.0
"""Processes for tests/scenario/python_values.py: what kinds of values there are, and how they are read."""

import datetime
import decimal

import numpy as np

import simlab.processes as xs

SCALARS = [2.5, 3, True, 1 + 2j, "zwölf", np.float64(2.5), np.float32(0.5), np.int64(-3), np.int8(-8), np.uint16(65535),
           np.uint64(2**63), np.bool_(True), np.complex64(1j), np.datetime64("2020-02-29T12:00:00"), np.timedelta64(90, "s")]
ARRAYS = [np.array(["a", "bcd", ""]), np.array(["é"]), np.array([True, False]), np.arange(3, dtype="i2"), np.arange(4.0)[::2],
          np.arange(6, dtype=">f4").reshape(2, 3), np.zeros((0, 2)), np.array(["2020-01-01", "1969-12-31"], "M8[D]"),
          np.array([3, -3], "m8[h]"), np.asfortranarray(np.arange(6).reshape(2, 3))]


def variables(values, dims):
    units = {"M": "{} since 1970-01-01", "m": "{}"}
    names = {"D": "days", "h": "hours", "s": "seconds"}
    for i, value in enumerate(values):
        dtype, attrs = np.asarray(value).dtype, {}
        if dtype.kind in units:
            attrs["units"] = units[dtype.kind].format(names[np.datetime_data(dtype)[0]])
        yield f"v{i}", xs.variable(dims=dims(i, value), intent="out", attrs=attrs)


def sets(values, dims):
    def initialize(self):
        for i, value in enumerate(values):
            setattr(self, f"v{i}", value)

    def run_step(self):
        for i, value in enumerate(values):
            check_same(getattr(self, f"v{i}"), value)
            setattr(self, f"v{i}", value)

    return xs.process(type("Sets", (), {**dict(variables(values, dims)), "initialize": initialize, "run_step": run_step}))


def reads(owner, values):
    def run_step(self):
        for i, value in enumerate(values):
            check_same(getattr(self, f"v{i}"), value)
        self.n = self.n + len(values)

    def initialize(self):
        self.n = 0

    members = {f"v{i}": xs.foreign(owner, f"v{i}") for i in range(len(values))}
    return xs.process(type("Reads", (), {**members, "n": xs.variable(intent="out"), "initialize": initialize, "run_step": run_step}))


def check_same(read, value):
    """Of the same type, and elements; byte orders are the machine's."""
    assert type(read) is type(value), (type(read), type(value))
    if isinstance(value, np.ndarray):
        assert read.dtype.kind == value.dtype.kind and read.dtype.itemsize >= value.dtype.itemsize, (read.dtype, value.dtype)
        assert read.shape == value.shape
    elif isinstance(value, np.generic):
        assert read.dtype == value.dtype, (read.dtype, value.dtype)
    assert np.all(read == value), (read, value)


def named(name, cls):
    cls.__name__ = cls.__qualname__ = name
    cls.__module__ = __name__
    return cls


SetsScalars = named("SetsScalars", sets(SCALARS, lambda i, value: ()))
ReadsScalars = named("ReadsScalars", reads(SetsScalars, SCALARS))
SetsArrays = named("SetsArrays", sets(ARRAYS, lambda i, value: tuple(f"d{i}{k}" for k in range(value.ndim))))
ReadsArrays = named("ReadsArrays", reads(SetsArrays, ARRAYS))


@xs.process
class Dates:
    """Whole numbers of what is declared."""

    begin = xs.variable(default=np.datetime64("2000-02-28"), attrs={"units": "days since 1970-01-01"})
    plan = xs.variable(dims="k", attrs={"units": "days since 1970-01-01"})
    now = xs.variable(intent="out", attrs={"units": "seconds since 1970-01-01 00:00:00"})
    days = xs.variable(dims="x", intent="out", attrs={"units": "days since 1970-01-01"})
    rest = xs.variable(intent="out", attrs={"units": "hours"})
    asked = xs.on_demand(attrs={"units": "days since 1970-01-01"})

    def initialize(self):
        assert self.begin.dtype == "M8[D]" and self.plan.dtype == "M8[D]"
        self.now = self.begin
        self.days = self._days = self.begin + np.arange(3)
        self.rest = datetime.timedelta(days=1)

    def run_step(self):
        assert self.now.dtype == "M8[s]" and self.rest.dtype == "m8[h]"
        self.now = self.now + np.timedelta64(12, "h")
        self._days += 1
        self.rest = self.plan[0] - self.begin

    @asked.compute
    def _get(self):
        return datetime.date(2000, 1, 31)


@xs.process
class Asks:
    asked = xs.foreign(Dates, "asked")
    days = xs.foreign(Dates, "days")
    month = xs.variable(intent="out")

    def initialize(self):
        self.month = 0
        self._days = self.days

    def run_step(self):
        assert self.asked == np.datetime64("2000-01-31") and np.shares_memory(self._days, self.days)
        self.month = int(self._days[-1].astype("M8[M]").astype(int) % 12) + 1


REFUSED = {
    "object": object(), "none": None, "decimal": decimal.Decimal("1.5"), "half": np.float16(1), "record": np.zeros(1, "i4,f8")[0],
    "long": np.longdouble(1), "large": 2**70, "date": np.datetime64("2020-01-01"), "duration": np.timedelta64(1, "s"),
    "ragged": [[1], [1, 2]],
    "nat": np.datetime64("NaT"), "fine": np.datetime64("2020-01-01T00:00:00.5"), "years": np.timedelta64(1, "Y"),
    "zone": datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), "number": 5, "longer": "abc",
}


@xs.process
class Refused:
    how = xs.variable()
    plain = xs.variable(intent="out")
    date = xs.variable(intent="out", attrs={"units": "seconds since 1970-01-01"})
    duration = xs.variable(intent="out", attrs={"units": "seconds"})
    text = xs.variable(intent="out")

    def initialize(self):
        self.date, self.text = np.datetime64("2020-01-01"), "ab"

    def run_step(self):
        name = {"nat": "date", "fine": "date", "number": "date", "zone": "date", "years": "duration", "longer": "text"}.get(self.how, "plain")
        setattr(self, name, REFUSED[self.how])
