# SPDX-License-Identifier: Apache-2.0
"""Process classes as the table that simlabd reads: one plain dict per class, and per variable."""

import json
import math

import numpy as np

from .declaration import MAIN_CLOCK, NOTHING
from .process import STAGES, declarations, default_of, is_process, stage_arguments
from .times import count, declared
from .validators import in_bounds


class TableError(Exception):
    """A class that cannot be told to simlabd, and why."""


def library_of(cls):
    """The library that a class's module is known as: that of its package."""
    return cls.__module__.partition(".")[0]


def type_name(cls, library):
    """How a class is called from within a library."""
    home = library_of(cls)
    return cls.__name__ if home == library else f"{home}.{cls.__name__}"


def classes_of(module):
    """The process classes that a module or package defines, in the order in which they stand."""
    found = {}
    for value in vars(module).values():
        if is_process(value) and library_of(value) == module.__name__:
            if found.setdefault(value.__name__, value) is not value:
                raise TableError(f"two process classes are named {value.__name__}")
    return list(found.values())


# ---- texts of a declaration ----


def plain(value):
    """A value of Python or NumPy as JSON has it; numbers that JSON lacks become texts."""
    if hasattr(value, "tolist"):  # NumPy's arrays and scalars
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    return value


def _json(value, what):
    try:
        return json.dumps(plain(value), allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise TableError(f"{what} cannot be written as JSON: {error}") from None


def _dims_text(v):
    def one(alternative):
        names = ["@main_clock" if d is MAIN_CLOCK else d for d in alternative]
        return ",".join(names) if names else "()"

    return "|".join(one(a) for a in v.dims)


def _number(bound, infinite):
    return infinite if bound is None else repr(float(bound)) if isinstance(bound, float) else str(bound)


def _bounds_text(validator):
    """in_bounds as "(0, inf]"; None where its bounds are no plain numbers."""
    (low, high), (with_low, with_high) = validator.bounds, validator.closed
    if not all(b is None or isinstance(b, (int, float)) for b in (low, high)):
        return None
    left = "[" if with_low and low is not None else "("
    right = "]" if with_high and high is not None else ")"
    if low is None:
        left = "["
    if high is None:
        right = "]"
    return f"{left}{_number(low, '-inf')}, {_number(high, 'inf')}{right}"


def _split_validators(v):
    """The text of the first in_bounds, and all other validators, which are functions."""
    text, functions = None, []
    for validator in v.validators:
        # xarray-simlab's own has the same two attributes.
        is_bounds = isinstance(validator, in_bounds) or (
            hasattr(validator, "bounds") and hasattr(validator, "closed")
        )
        if is_bounds and text is None:
            text = _bounds_text(validator)
            if text is not None:
                continue
        functions.append(validator)
    return text, functions


def _default_text(v, cls):
    if v.kind not in ("variable",) or v.intent == "out":
        return None
    try:
        value = default_of(v, object.__new__(cls))
    except Exception as error:
        raise TableError(f"the default of variable {v.name!r} cannot be made: {error}") from error
    if value is NOTHING or value is None:
        return None
    times = count(value, _time(v)) if isinstance(value, np.generic) or _time(v) else None
    return _json(value if times is None else times, f"default of {v.name!r}")


def _foreign(v, library):
    other, name = v.target
    return (other if isinstance(other, str) else type_name(other, library)), name


def _end(v):
    """What it leads to, as far as classes tell."""
    while v.kind == "foreign" and not isinstance(v.target[0], str):
        v = declarations(v.target[0])[v.target[1]]
    return v


def _time(v):
    """As times.declared() has it."""
    return declared(_end(v).attrs.get("units"))


# ---- tables ----


def variable_table(v, cls, library):
    row = {
        "name": v.name,
        "kind": v.kind,
        "intent": v.intent,
        "static": v.static,
        "cached": v.compute_cache,
        "groups": ",".join(v.groups) or None,
        "group": v.group,
        "global_name": v.global_name,
        "description": v.description or None,
        "default": _default_text(v, cls),
        "compute": v.compute_method,
        "converter": v.converter,
        "declaration": v,
        "is_object": _end(v).kind == "object",
        "time": _time(v),
    }
    bounds, functions = _split_validators(v)
    row["validators"] = functions or None
    if v.intent != "out":
        row["bounds"] = bounds
    if v.kind in ("variable", "index", "on_demand"):
        row["dims"] = _dims_text(v)
        row["encoding"] = _json(v.encoding, f"encoding of {v.name!r}") if v.encoding else None
    if v.kind in ("variable", "index", "on_demand", "object"):
        attrs = dict(v.attrs)
        units = attrs.get("units")
        if isinstance(units, str):
            row["units"] = attrs.pop("units")
        row["attrs"] = _json(attrs, f"attrs of {v.name!r}") if attrs else None
    if v.kind == "foreign":
        row["type"], row["var"] = _foreign(v, library)
    return row


def class_table(cls, library):
    parents = [base for base in cls.__mro__[1:] if is_process(base)]
    doc = (vars(cls).get("__doc__") or "").split("\n\nAttributes\n", 1)[0].strip()
    if doc.startswith("Attributes\n"):
        doc = ""
    return {
        "name": cls.__name__,
        "description": doc or None,
        "extends": type_name(parents[0], library) if parents else None,
        "class": cls,
        "stages": [stage_arguments(cls, stage) for stage in STAGES],
        "variables": [variable_table(v, cls, library) for v in declarations(cls).values()],
    }


def module_table(module):
    """(classes as dicts, those that are left out as (name, reason))."""
    good, bad = [], []
    for cls in classes_of(module):
        try:
            good.append(class_table(cls, module.__name__))
        except (TableError, TypeError, ValueError, KeyError) as error:
            bad.append((cls.__name__, str(error)))
    return good, bad
