# SPDX-License-Identifier: Apache-2.0
"""Runs of models in Python: through a daemon, or here, by the program simlab-worker."""

import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile

from .cells import module_name, module_text
from .daemon import Client, Refused, submit, wait
from .processes.model import class_of, type_of
from .processes.process import declarations, is_process
from .processes.table import library_of, plain
from .processes.times import are_times, count, declared


class RunError(RuntimeError):
    """A run that was refused, or failed: the message is what simlab-worker, or simlab, said. `status`:
    its exit status; 2: refused, and there is no store. 1: the store has what could be had. 3: there is
    no daemon. 4: the daemon takes no modules."""

    def __init__(self, status, said):
        super().__init__(said.strip() or f"simlab-worker ended with status {status}")
        self.status = status


def run(job, model=None, store=None, modules=(), processes=(), worker="simlab-worker", server=None,
        client="simlab", progress=False, **keys):
    """Runs a job, and returns its store, opened by xarray; where that is not installed: a group of
    zarr; without that, too, None.

    job:       a job document as a dict, or a path of one; or a set-up as an xarray data set.
    model:     process classes by name, {"grid": Grid}, or types as texts, {"grid": "reference.Grid"};
               without it, the job has a model. The files that define the classes are found by it;
               classes of a notebook's cells, and of the script that runs, are taken by their source.
    store:     where the store is to stand, which may not be there yet; with a daemon its name.
               Without it, the data are read into memory; with a daemon the store stays there.
    modules:   paths of further modules or packages that the model's types are in.
    processes: directories of process libraries; without it, those that came with simlab-worker.
    worker:    the program that runs it here.
    server:    True: through the daemon that the program simlab finds, to which the modules are pushed;
               an address, as "unix:/run/simlabd/simlabd.sock": that one; False: here, without one.
               None: through a daemon where there is one that takes modules, unless `processes` or a
               path of the worker says that it is to run here.
    client:    the program simlab.
    progress:  True: the daemon's progress is shown. Without it, lines of the log are, at the end.
    keys:      of the job, beside those that it has: batch_dim="batch", scheduler="threads",
               environment="mine", seed=3 …
    """
    document, folder = _document(job)
    document.update(keys)
    with tempfile.TemporaryDirectory(prefix="simlab-run-") as temporary:
        files = [os.path.abspath(os.fspath(m)) for m in modules]
        if model is not None:
            cells = module_name()
            model = {name: of if isinstance(of, str) else class_of(name, of) for name, of in model.items()}
            document["model"] = {"processes": {name: type_of(of, cells) for name, of in model.items()}}
            files += _files(model.values(), {os.path.realpath(file) for file in files}, cells, temporary)
        _count_times(document, model or {})
        speaker = Client(client, server, folder)
        is_here = server is False or (server is None and (processes or worker != "simlab-worker"))
        if not is_here and (server is not None or speaker.takes_modules()):
            return _run_there(speaker, document, files, store, progress)
        return _run_here(document, folder, files, store, processes, worker, temporary)


def _run_here(document, folder, files, store, processes, worker, temporary):
    if store is None:
        _need_xarray()
    place = os.path.join(temporary, "out.zarr") if store is None else os.fspath(store)
    command = [worker, "run", "-", "--store", os.path.abspath(place)]
    for option, values in (("--python", files), ("--processes", processes)):
        for value in values:
            command += [option, os.path.abspath(os.fspath(value))]
    text = json.dumps(plain(document), allow_nan=False)
    ended = subprocess.run(command, input=text, text=True, cwd=folder, stderr=subprocess.PIPE, check=False)
    if ended.returncode != 0:
        raise RunError(ended.returncode, ended.stderr)
    sys.stderr.write(ended.stderr)
    opened = _open(place)
    return opened.load() if store is None else opened


def _run_there(client, document, files, store, progress):
    try:
        number = submit(client, plain(document), files, None if store is None else os.fspath(store))
        job = wait(client, number, progress)
    except Refused as refused:
        raise RunError(refused.status, refused.said) from None
    if job["state"] != "succeeded":
        why = job.get("reason") or f"{job.get('dead', 0)} of its members failed"
        raise RunError(1, f"job {number} ended {job['state']}: {why}")
    return _open(job["store"])


# ---- what goes in ----


def _document(job):
    """The job as a dict, and the directory that its files are relative to."""
    if isinstance(job, (str, os.PathLike)):
        with open(job, encoding="utf-8") as file:
            return json.load(file), os.path.dirname(os.path.abspath(job))
    if hasattr(job, "to_dict"):
        return {"setup": job.to_dict()}, os.getcwd()
    return dict(job), os.getcwd()


def _count_times(document, model):
    """Inputs that are dates become whole numbers, in the units that their variables declare."""
    for key in ("inputs", "clocks"):
        if document.get(key):
            document[key] = {
                name: {**value, "data": _counted(model, name, value["data"])} if isinstance(value, dict) and "data" in value
                else _counted(model, name, value) for name, value in document[key].items()
            }
    for key in ("coords", "data_vars"):
        for name, variable in document.get("setup", {}).get(key, {}).items():
            variable["data"] = _counted(model, name, variable["data"])


def _counted(model, name, value):
    process, _, variable = name.partition("__")
    if isinstance(value, (dict, str)) or not are_times(value):
        return value
    if "__" not in name:
        raise TypeError(f"{name}: a clock has numbers here, as days since its beginning; it was given dates")
    cls = model.get(process)
    declaration = None if cls is None or isinstance(cls, str) else declarations(cls).get(variable)
    try:
        return count(value, declared(declaration.attrs.get("units")) if declaration else None)
    except (TypeError, ValueError) as error:
        raise type(error)(f"input {name}: {error}") from None


def _related(classes):
    """These classes, and all that they inherit from or lead to."""
    found, todo = [], [c for c in classes if not isinstance(c, str)]
    while todo:
        cls = todo.pop()
        if cls in found:
            continue
        found.append(cls)
        todo += [base for base in cls.__mro__[1:] if is_process(base)]
        targets = [v.target[0] for v in declarations(cls).values() if v.target]
        todo += [t for t in targets if not isinstance(t, str)]
    return found


def _file(name):
    """The file of a module, or the directory of a package."""
    try:
        path = inspect.getsourcefile(sys.modules[name])
    except (KeyError, TypeError):
        path = None
    if not path or not os.path.exists(path):
        raise ValueError(
            f"the process classes of {name} are in no file that can be imported: write them into a "
            "file, as model.py, and import it"
        )
    return os.path.dirname(path) if os.path.basename(path) == "__init__.py" else path


def _files(classes, given, cells, temporary):
    """The modules that these classes need, but those that are given; `cells`: the name of the one that
    is written for those of no module."""
    related = _related(classes)
    names = dict.fromkeys(library_of(cls) for cls in related)
    files = [os.path.abspath(_file(name)) for name in names if name != "__main__"]
    if "__main__" in names:
        files.append(os.path.join(temporary, cells + ".py"))
        with open(files[-1], "w", encoding="utf-8") as file:
            file.write(module_text([cls for cls in related if library_of(cls) == "__main__"]))
    return [file for file in files if os.path.realpath(file) not in given]


# ---- what comes out ----


def _need_xarray():
    try:
        import xarray  # pylint: disable=import-outside-toplevel,unused-import
        import zarr  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError as error:
        raise ValueError(f"without xarray and zarr, say where the store is to stand: {error}") from None


def _open(store):
    try:
        import zarr  # pylint: disable=import-outside-toplevel
    except ImportError:
        return None
    try:
        import xarray  # pylint: disable=import-outside-toplevel
    except ImportError:
        return zarr.open(store, mode="r")
    return xarray.open_zarr(store)
