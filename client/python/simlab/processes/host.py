# SPDX-License-Identifier: Apache-2.0
"""What daemon/processes/python asks of Python: it is called by the host library only.

`_simlab` is the host's own module: `Bound`, which instances have as a base, `Variable`, which is put
in the place of declarations, and `log`.
"""

import gc
import importlib
import importlib.util
import json
import os
import platform
import sys
import traceback
import types
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)

import numpy

import _simlab

from .model import models_of
from .movable import why_not
from .process import RuntimeSignal
from .saved import CannotSave, restore, save  # the last two are the host's
from .table import module_table
from .times import count  # the host's


class Log:
    """In the place of sys.stdout and sys.stderr: lines go to the member's log."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self):
        self.rest = ""

    def write(self, text):
        lines = (self.rest + str(text)).split("\n")
        self.rest = lines.pop()
        for line in lines:
            _simlab.log(line)
        return len(text)

    def flush(self):
        if self.rest:
            rest, self.rest = self.rest, ""
            _simlab.log(rest)

    def isatty(self):
        return False

    def writable(self):
        return True

    def fileno(self):
        raise OSError("output goes to the member's log: it is no file")


def flush():
    sys.stdout.flush()


def start():
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = Log()


# ---- modules ----


def _find(name, directory):
    for path in (os.path.join(directory, f"{name}.py"), os.path.join(directory, name, "__init__.py")):
        if os.path.exists(path):
            return path
    raise ImportError(f"there is neither {name}.py nor {name}/__init__.py in {directory}")


def _add_directory(directory):
    """Among those where modules are looked for. NAME.so beside NAME.py is no extension module."""
    suffixes = [suffix for suffix in EXTENSION_SUFFIXES if suffix != ".so"]
    sys.path_importer_cache[directory] = FileFinder(
        directory, (ExtensionFileLoader, suffixes), (SourceFileLoader, SOURCE_SUFFIXES))
    sys.path.insert(0, directory)


def load(name, directory):
    """Imports the module or package `name` that lies in a directory; others beside it may be
    imported by it."""
    path = _find(name, directory)
    loaded = sys.modules.get(name)
    if loaded is not None:
        if os.path.realpath(getattr(loaded, "__file__", None) or "") == os.path.realpath(path):
            return loaded
        raise ImportError(
            f"a module {name} is there already, from {getattr(loaded, '__file__', 'Python itself')}: "
            "name yours otherwise"
        )
    if directory not in sys.path:
        _add_directory(directory)
    is_package = os.path.basename(path) == "__init__.py"
    spec = importlib.util.spec_from_file_location(
        name, path, submodule_search_locations=[os.path.dirname(path)] if is_package else None
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _listed(name, directory):
    try:
        with open(os.path.join(directory, f"{name}.files"), encoding="utf-8") as file:
            return {line.strip() for line in file}
    except FileNotFoundError:
        return set()


def check_listed(name, directory):
    """What a module consists of is what it is known by: all that was imported from beside it."""
    listed, top = _listed(name, directory), os.path.join(directory, "")
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        library = getattr(module, "__name__", "").partition(".")[0]
        if not file.startswith(top) or file[len(top):] in listed:
            continue
        if library == name or not os.path.exists(f"{top}{library}.so"):
            raise ImportError(
                f"{file[len(top):]} belongs to it: list it in {name}.files, one name a line"
            )


def open_module(name, directory):
    """The table of a module: (description, version, classes, left out, models as JSON)."""
    module = load(name, directory)
    check_listed(name, directory)
    good, bad = module_table(module)
    doc = (module.__doc__ or "").strip().partition("\n")[0]
    version = ", ".join(
        [
            *([str(module.__version__)] if hasattr(module, "__version__") else []),
            f"Python {platform.python_version()}",
            f"NumPy {numpy.__version__}",
        ]
    )
    is_movable = why_not(directory) is None
    for table in good:
        table["bound"] = bind(table)
        table["is_movable"] = is_movable
    models = models_of(module)
    gc.freeze()  # what was imported stays: no member's garbage is looked for in it
    return doc or None, version, good, bad, json.dumps(models) if models else None


def bind(table):
    """The class whose instances run: the variables are those of the model."""
    cls = table["class"]
    members = {
        row["name"]: _simlab.Variable(row["name"], i, row["kind"], row["intent"], row["converter"])
        for i, row in enumerate(table["variables"])
    }
    members["__module__"] = cls.__module__
    members["__qualname__"] = cls.__qualname__
    members["__doc__"] = cls.__doc__
    return type(cls.__name__, (cls, _simlab.Bound), members)


# ---- results and errors ----


def signal_of(result):
    """What a stage method returned, as a number."""
    if isinstance(result, RuntimeSignal):
        return result.value
    value = getattr(result, "value", result)  # of another enum, as xarray-simlab's
    return RuntimeSignal(value).value


def mapping(keys, values):
    return types.MappingProxyType(dict(zip(keys, values)))


def validate(validators, instance, declaration, value):
    for validator in validators:
        validator(instance, declaration, value)


def _is_own(frame):
    return frame.filename.startswith("<")


def explain(error):
    """An exception in one line: what it says, and the last frames of the user's own code."""
    if isinstance(error, CannotSave):
        return str(error)
    if isinstance(error, SystemExit):
        what = f"called sys.exit({error.code!r})"
    else:
        what = "".join(traceback.format_exception_only(type(error), error)).strip()
        what = " ".join(what.split())
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_own(f)]
    where = [
        f"{os.path.basename(f.filename)}:{f.lineno} in {f.name}" + (f": {f.line}" if f.line else "")
        for f in frames[:-4:-1]
    ]
    if isinstance(error, SyntaxError) and error.filename:
        where = []
    return what + ("; at " + "; called at ".join(where) if where else "")


def log_traceback(error):
    if isinstance(error, CannotSave):  # it is no mistake
        return
    for block in traceback.format_exception(type(error), error, error.__traceback__):
        for line in block.rstrip("\n").split("\n"):
            _simlab.log(line)
