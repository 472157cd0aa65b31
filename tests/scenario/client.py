#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command line: simlab finds the daemon, runs jobs, and ends with exit codes that scripts use."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN


class Client:
    def __init__(self, context, daemon):
        self.context, self.daemon = context, daemon

    def __call__(self, *arguments, code=0, stdin=None, server=None, token=None):
        env = {"SIMLAB_SERVER": server or self.daemon.server, "SIMLAB_TOKEN": token or ""}
        ended = self.context.run("simlab", *arguments, stdin=stdin, env=env)
        check(ended.returncode == code, f"simlab {' '.join(arguments)}: exit {ended.returncode}, "
              f"expected {code}\n{ended.stdout}{ended.stderr}")
        check(code == 0 or ended.stderr.strip() or ended.stdout.strip(), "it did not say why")
        return ended


def client(context, **options):
    return Client(context, context.daemon(**options))


def job_file(context, job):
    path = context.path("job.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(job, file)
    return path


ADVECT = os.path.join(GOLDEN, "advect/job.json")


def test_run(context):
    """Plain lines where it is no terminal; the store's path and a line of Python that opens it."""
    simlab = client(context)
    lines = simlab("run", ADVECT).stdout.strip().split("\n")
    store = simlab.daemon.job(1)["store"]
    check(any(store in line for line in lines), f"no path of the store: {lines}")
    python = [line for line in lines if "open_zarr" in line]
    equal(len(python), 1, f"lines of Python in {lines}")
    code = python[0].strip() + "\nds = xarray.open_zarr(%r)\nassert ds.profile__u.shape[-1] == 150" % store
    opened = subprocess.run(["/usr/bin/python3", "-c", "import xarray, xarray as xr\n" + code],
                            capture_output=True, text=True, check=False)
    equal(opened.returncode, 0, f"exit of {code!r}: {opened.stderr}")
    check("\x1b" not in "".join(lines) and "\r" not in "".join(lines), "escape codes outside a terminal")
    harness.golden_agrees(store, "advect")


def test_standard_input_and_names(context):
    simlab = client(context)
    with open(ADVECT, encoding="utf-8") as file:
        simlab("run", "-", "--store", "mine", "--quiet", stdin=file.read())
    check("mine" in simlab.daemon.job(1)["store"], "name of the store")


def test_over_tcp_with_the_token(context):
    simlab = client(context)
    url = simlab.daemon.url
    simlab("jobs", server=url, token=simlab.daemon.token)
    simlab("jobs", server=url, token="wrong", code=4)
    simlab("jobs", server="unix:" + context.path("none.sock"), code=3)


def test_refusals(context):
    simlab = client(context, workers=0)
    simlab("run", job_file(context, load(GOLDEN, "errors/wrong-dims.json")["job"]), code=2)
    refused = simlab("submit", job_file(context, load(GOLDEN, "errors/wrong-dims.json")["job"]), code=2)
    check("advect" in refused.stderr and "q" in refused.stderr, refused.stderr)
    simlab("run", context.path("none.json"), code=2)
    simlab("submit", "-", stdin="{", code=2)
    simlab("nonsense", code=2)
    simlab("status", code=2)
    simlab("status", "99", code=2)
    equal(simlab.daemon.request("GET", "/v1/jobs").json["jobs"], [], "jobs")


def test_submit_wait_cancel(context):
    simlab = client(context)
    number = json.loads(simlab("--json", "submit", ADVECT).stdout)["id"]
    simlab("wait", number)
    check("succeeded" in simlab("status", number).stdout, "state in the status")
    check(number in simlab("jobs", "--state", "succeeded").stdout, "job in the list")
    job = load(GOLDEN, "advect", "job.json")
    job["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.5] * 200000}
    job["batch_dim"] = "batch"
    second = json.loads(simlab("--json", "submit", job_file(context, job)).stdout)["id"]
    simlab("cancel", second)
    simlab("wait", second, code=1)


def test_models_and_processes(context):
    simlab = client(context, workers=0)
    check("reference.AdvectionLax" in simlab("processes").stdout, "processes")
    shown = simlab("processes", "show", "reference.AdvectionLax").stdout
    check("velocity" in shown and "m/s" in shown, shown)
    path = job_file(context, load(GOLDEN, "advect", "job.json")["model"])
    simlab("models", "create", path, "--name", "advection")
    check("advection" in simlab("models").stdout, "models")
    check("advect" in simlab("models", "show", "advection").stdout, "model")


def test_what_is_left_out_is_listed(context):
    """A file that is no library, with its reason, in the same table."""
    folder = context.directory("libraries")
    with open(os.path.join(folder, "broken.so"), "w", encoding="utf-8") as file:
        file.write("no library\n")
    simlab = client(context, workers=0, options=[f"--processes={folder}"])
    rows = simlab("processes").stdout.splitlines()
    check(any(r.startswith("reference.AdvectionLax ") for r in rows), "types")
    check(any("broken" in r.split()[0] and "left out: " in r for r in rows), f"no row of what is left out: {rows[-3:]}")


def test_plot(context):
    simlab = client(context)
    store = simlab.daemon.finish(load(GOLDEN, "gray-scott", "job.json"))["store"]
    picture = context.path("picture.png")
    simlab("plot", store, "uv__v", "-o", picture)
    with open(picture, "rb") as file:
        equal(file.read(8), b"\x89PNG\r\n\x1a\n", "signature of the picture")
    simlab("plot", "1", "uv__v", "-o", context.path("again.png"))
    simlab("plot", store, "uv__w", "-o", context.path("none.png"), code=2)


def test_files_are_uploaded(context):
    import numpy  # pylint: disable=import-outside-toplevel
    simlab = client(context)
    job = load(GOLDEN, "advect-velocity-array", "job.json")
    path = context.path("job.json")
    numpy.save(os.path.join(os.path.dirname(path), "v.npy"), numpy.array(job["inputs"]["advect__v"]["data"]))
    job["inputs"]["advect__v"]["data"] = {"file": "v.npy"}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(job, file)
    simlab("run", "--quiet", path)
    harness.golden_agrees(simlab.daemon.job(1)["store"], "advect-velocity-array")


def test_files_wherever_the_schema_lets_them(context):
    """A job with files in every place gives one store, run by the daemon or without it."""
    import numpy  # pylint: disable=import-outside-toplevel
    simlab = client(context)
    folder = context.directory("job")
    arrays = {"rate": [0.1, 0.2], "k": [50.0, 60.0], "times": [0.0, 0.5, 1.0], "few": [0, 1], "label": [7, 8, 9]}
    for name, values in arrays.items():
        numpy.save(os.path.join(folder, name + ".npy"), numpy.array(values))
    named = {name: {"file": name + ".npy"} for name in arrays}
    jobs = [{"clocks": {"time": named["times"], "few": {"data": named["few"], "units": "days"}}, "main_clock": "time",
             "inputs": {"pop__r": {"dims": "batch", **named["rate"]}, "pop__k": {"dims": ["batch"], "data": named["k"]}},
             "batch_dim": "batch"},
            {"clocks": {"time": {"data": named["times"]}, "few": {"dims": ["few"], **named["few"]}}, "main_clock": "time",
             "sweep": {"product": {"pop__r": named["rate"]}, "zip": {"pop__k": {"dims": ["batch"], "data": named["k"]}}}}]
    for i, job in enumerate(jobs):
        job.update(model={"processes": {"pop": "reference.Logistic"}}, outputs={"pop__n": "few"},
                   coords={"label": {"dims": ["label"], **named["label"]}, "other": {"dims": ["label"], "data": named["label"]}})
        path, store = os.path.join(folder, "job.json"), context.path("local.zarr")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job, file)
        simlab("run", "--quiet", path)
        local = context.run("simlab-worker", "run", path, "--store", store, "--processes", context.program("processes"))
        equal(local.returncode, 0, f"exit of simlab-worker run: {local.stderr}")
        harness.same_store(simlab.daemon.job(i + 1)["store"], store)


def test_help_and_version(context):
    for program in ("simlab", "simlabd", "simlab-worker"):
        for option in ("--help", "--version"):
            ended = context.run(program, option)
            equal(ended.returncode, 0, f"exit of {program} {option}")
            check(ended.stdout.strip(), f"{program} {option} prints nothing")


harness.main(globals())
