# SPDX-License-Identifier: Apache-2.0
"""Stands in for xarray-simlab where that is not installed: its decorators leave the same attributes on
classes, and its models have instances of classes that were made of these. Nothing more."""

import collections.abc
import enum

import attr


class VarType(enum.Enum):
    VARIABLE = "variable"
    INDEX = "index"
    FOREIGN = "foreign"


class VarIntent(enum.Enum):
    IN = "in"
    OUT = "out"
    INOUT = "inout"


def _attribute(kind, intent, dims=((),), default=attr.NOTHING, validator=None, converter=None, **more):
    metadata = {"var_type": kind, "intent": VarIntent(intent), "dims": dims, "groups": (), "static": False, **more}
    if intent == "out":
        return attr.attrib(metadata=metadata, init=False, repr=False)
    return attr.attrib(metadata=metadata, default=default, validator=validator, converter=converter, kw_only=True)


def variable(dims=(), intent="in", default=attr.NOTHING, validator=None, converter=None, description=""):
    dims = ((dims,),) if isinstance(dims, str) else (tuple(dims),)
    return _attribute(VarType.VARIABLE, intent, dims, default, validator, converter, description=description)


def index(dims):
    return _attribute(VarType.INDEX, "out", ((dims,),))


def foreign(other, name, intent="in"):
    return _attribute(VarType.FOREIGN, intent, other_process_cls=other, var_name=name)


class _Executor:
    def __init__(self, args):
        self.args = args


def runtime(args=()):
    names = tuple(a.strip() for a in args.split(",")) if isinstance(args, str) else tuple(args)

    def mark(method):
        method.__xsimlab_executor__ = _Executor(names)
        return method

    return mark


def process(cls):
    cls = attr.attrs(cls, repr=False)
    cls.__xsimlab_cls__ = type(cls.__name__, (cls,), {"__init__": lambda self: None, "__xsimlab_process__": True})
    return cls


class Model(collections.abc.Mapping):
    def __init__(self, processes):
        self._processes = {name: cls.__xsimlab_cls__() for name, cls in processes.items()}

    def __getitem__(self, name):
        return self._processes[name]

    def __iter__(self):
        return iter(self._processes)

    def __len__(self):
        return len(self._processes)
