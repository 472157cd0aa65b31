# SPDX-License-Identifier: Apache-2.0
"""Instances as bytes, for checkpoints: it is called by the host library only."""

import io
import pickle
import sys

import numpy


class CannotSave(Exception):
    """What an instance has that cannot be saved, and why."""


class _Pickler(pickle.Pickler):
    """`known`: what is not of this instance: id -> how it is found again."""

    def __init__(self, file, known):
        super().__init__(file, protocol=5)
        self.known = known

    def persistent_id(self, obj):
        if isinstance(obj, numpy.ndarray):
            _check_array(obj)
        return self.known.get(id(obj))


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, found):
        super().__init__(file)
        self.found = found

    def persistent_load(self, pid):
        return self.found[pid]


def _check_array(array):
    """One that shares its memory with another would be a copy afterwards."""
    base = array.base
    if base is None or isinstance(base, bytes):
        return
    if not isinstance(base, numpy.ndarray) or sys.getrefcount(base) > 3:  # array, `base`, argument
        raise TypeError("it is a view of another array: keep a copy")


def _dump(value, known):
    file = io.BytesIO()
    _Pickler(file, known).dump(value)
    return file.getvalue()


def _explain(named, known, error):
    """Which of these cannot be saved."""
    for name, value in named:
        try:
            _dump(value, known)
        except Exception as own:  # pylint: disable=broad-except
            return CannotSave(f"attribute {name!r} ({type(value).__name__}) cannot be saved: {own}")
    return CannotSave(f"its attributes cannot be saved: {error}")


def save(instance, objects, others, assigned):
    """Tables by row: objects that the instance has set, those of others, and assigned values that
    are kept."""
    for cls in type(instance).__mro__:
        if vars(cls).get("__slots__"):
            raise CannotSave(f"{cls.__name__} has __slots__, whose values cannot be saved")
    attributes = vars(instance)
    known = {id(value): row for row, value in others.items()}
    known[id(instance)] = "self"
    try:
        return _dump((attributes, objects, assigned), known)
    except Exception as error:  # pylint: disable=broad-except
        named = [*attributes.items(), *((f"object {row}", value) for row, value in objects.items())]
        raise _explain(named, known, error) from None


def restore(instance, data, others):
    attributes, *tables = _Unpickler(io.BytesIO(data), {"self": instance, **others}).load()
    vars(instance).update(attributes)
    return tuple(tables)
