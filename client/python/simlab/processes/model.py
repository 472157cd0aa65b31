# SPDX-License-Identifier: Apache-2.0
"""Models as objects: process classes by the names that their processes have."""

import inspect
from collections.abc import Mapping

from .process import is_process
from .table import library_of


class Model(Mapping):
    """`Model({"grid": Grid, "rivers": "landscape.StreamPower"})`: process classes, and types of other
    libraries as texts. `simlab.run(job, model)`, `simlab-worker run FILE.py:model JOB.json`."""

    def __init__(self, processes):
        self._processes = {name: of if isinstance(of, str) else class_of(name, of) for name, of in processes.items()}

    def __getitem__(self, name):
        return self._processes[name]

    def __iter__(self):
        return iter(self._processes)

    def __len__(self):
        return len(self._processes)

    def __repr__(self):
        return f"<Model of {', '.join(self)}>"


def class_of(name, of):
    """The process class; models of xarray-simlab have instances, of classes that it makes of these."""
    classes = [of] if inspect.isclass(of) else type(of).__mro__
    cls = next((c for c in classes if is_process(c)), None)
    if cls is None:
        raise TypeError(f"process {name!r}: {of!r} is no process class")
    return cls


def type_of(of, cells=None):
    """As a model names the type; `cells`: the module of what is in none."""
    if isinstance(of, str):
        return of
    library = library_of(of)
    return f"{cells if cells and library == '__main__' else library}.{of.__name__}"


def _processes_of(value):
    """Of a model, ours or xarray-simlab's, or a dict of process classes; None of all else."""
    is_model = isinstance(value, Model) or any(
        c.__module__.partition(".")[0] == "xsimlab" and c.__name__ == "Model" for c in type(value).__mro__)
    if not is_model and not (type(value) is dict and any(is_process(of) for of in value.values())):
        return None
    try:
        return {name: of if isinstance(of, str) else class_of(name, of) for name, of in value.items()}
    except TypeError:
        return None


def models_of(module):
    """Those that a module has, by name, as documents of models."""
    found = {}
    for name, value in vars(module).items():
        processes = None if name.startswith("__") else _processes_of(value)
        if processes:
            found[name] = {"processes": {process: type_of(of) for process, of in processes.items()}}
    return found
