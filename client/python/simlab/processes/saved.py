# SPDX-License-Identifier: Apache-2.0
"""Instances as bytes, for checkpoints: it is called by the host library only."""

import io
import pickle
import sys

import numpy

import _simlab


class CannotSave(Exception):
    """What an instance has that cannot be saved, and why."""


class _Pickler(pickle.Pickler):
    """`known`: what is not of this instance: id -> how it is found again."""

    def __init__(self, file, known):
        super().__init__(file, protocol=5)
        self.known = known

    def persistent_id(self, obj):
        if isinstance(obj, numpy.ndarray) and type(obj) is not numpy.ndarray:
            _check_array(obj)
        return self.known.get(id(obj))

    def reducer_override(self, obj):
        """Parts of an array, and the array, share their memory afterwards, too."""
        if type(obj) is _simlab.Block:
            return _old_memory(obj)
        if type(obj) is not numpy.ndarray:
            return NotImplemented
        base = obj.base.obj if isinstance(obj.base, memoryview) else obj.base
        if base is None or isinstance(base, bytes):  # nobody changes these
            return NotImplemented
        return _part, (base, *_place_in(base, obj), obj.dtype)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, found):
        super().__init__(file)
        self.found = found

    def persistent_load(self, pid):
        return _simlab.array(pid) if isinstance(pid, tuple) else self.found[pid]


def _check_array(array):
    """One of another class, as a masked array, that shares its memory would be a copy afterwards."""
    base = array.base
    if base is None or isinstance(base, bytes):
        return
    if not isinstance(base, numpy.ndarray) or sys.getrefcount(base) > 3:  # array, `base`, argument
        raise TypeError("it is a view of another array: keep a copy")


def _old_memory(block):
    """What a value was before it was given another one: nobody sets it any more."""
    if block.is_current:
        raise TypeError("it is a view of a variable of another process: keep a copy")
    memory = memoryview(block)
    return (bytes if memory.readonly else bytearray), (memory.tobytes(),)


def _in_c_order(base):
    if not isinstance(base, numpy.ndarray) or base.flags.c_contiguous:
        return base
    return base.T


def _place_in(base, array):
    """Where a part lies: (offset, shape, strides)."""
    whole = _in_c_order(base)
    if array.dtype.hasobject or not isinstance(whole, (numpy.ndarray, bytearray, _simlab.Block)):
        raise TypeError("it is a view of another object: keep a copy")
    if isinstance(whole, numpy.ndarray) and not whole.flags.c_contiguous:
        raise TypeError("it is a view of an array in no common order: keep a copy")
    start = numpy.ndarray((), "V0", whole).__array_interface__["data"][0]
    return array.__array_interface__["data"][0] - start, array.shape, array.strides


def _part(base, offset, shape, strides, dtype):
    return numpy.ndarray(shape, dtype, _in_c_order(base), offset, strides)


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


def save(instance, objects, others, arrays, assigned):
    """Tables by row: objects that the instance has set, those of others, and assigned values that
    are kept; and arrays over values."""
    for cls in type(instance).__mro__:
        if vars(cls).get("__slots__"):
            raise CannotSave(f"{cls.__name__} has __slots__, whose values cannot be saved")
    attributes = vars(instance)
    known = {id(value): row for row, value in others.items()}
    known.update((id(array), key) for key, array in arrays.items())
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
