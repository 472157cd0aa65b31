# SPDX-License-Identifier: Apache-2.0
"""What parallel loops inside of processes gain: gray_scott and landscape on 512 x 512 nodes, one simulation in
order, by two threads and by auto; and two of them in order at the same time, which share the memory as two
bare threads would: half of what these take is what one could take at the best. Ratios to that."""
import json
import os
import statistics
import subprocess
import time

SIDE, ROUNDS = 512, 5
WAYS = {"serial": {"parallel": False}, "threads": {"scheduler": "threads"}, "auto": {"scheduler": "auto"}}


def gray_scott(golden, side):
    document = golden("gray-scott")
    document["inputs"].update({"grid__nx": side, "grid__ny": side})
    document["outputs"] = {"uv__u": None}
    return document, "time"


def landscape(_, side):
    names = {"grid": "RasterGrid", "boundary": "Boundary", "topography": "Topography", "noise": "InitialNoise",
             "init": "InitialElevation", "uplift": "Uplift", "surface": "SurfaceToErode", "flow": "FlowRouter",
             "rivers": "StreamPower", "hillslopes": "HillslopeDiffusion"}
    return {"model": {"processes": {name: f"landscape.{kind}" for name, kind in names.items()}},
            "clocks": {}, "main_clock": "time",
            "inputs": {"grid__nx": side, "grid__ny": side, "grid__dx": 100, "grid__dy": 100,
                       "init__elevation": 0, "uplift__rate": 5e-4, "rivers__erodibility": 1e-5,
                       "hillslopes__diffusivity": 0.05},
            "outputs": {"topography__elevation": None}}, "time"


# Steps of a run; those of the run that is taken off, with all that is not a step.
MODELS = {"gray_scott": (gray_scott, 300), "landscape": (landscape, 20)}


def write_jobs(context, golden, side):
    """(model, way, steps) -> path."""
    paths = {}
    for name, (make, steps) in MODELS.items():
        for way, keys in WAYS.items():
            for n in (1, steps):
                document, clock = make(golden, side)
                document["clocks"] = {clock: {"data": {"linspace": [0, n * (1000 if name == "landscape" else 1), n + 1]}}}
                document.update(keys)
                paths[name, way, n] = context.path(f"{name}-{way}-{n}.json")
                with open(paths[name, way, n], "w", encoding="utf-8") as file:
                    json.dump(document, file)
    return paths


def seconds(context, path, at_once=1):
    """Until all of so many runs have ended."""
    stores = [os.path.join(context.directory("loops"), "out.zarr") for _ in range(at_once)]
    began = time.perf_counter()
    runs = [subprocess.Popen([os.path.join(context.build, "simlab-worker"), "run", path, "--store", store],
                             stdout=subprocess.DEVNULL) for store in stores]
    for run in runs:
        if run.wait() != 0:
            raise RuntimeError(f"{path} failed")
    return time.perf_counter() - began


def step_seconds(context, paths, name, way, at_once=1):
    steps = MODELS[name][1]
    return (seconds(context, paths[name, way, steps], at_once) - seconds(context, paths[name, way, 1], at_once)) / (steps - 1)


def measure(context, paths, name):
    """Way -> seconds a step, medians of rounds in which they take turns; "best": half of two at once."""
    times = {way: [] for way in (*WAYS, "best")}
    for _ in range(ROUNDS):
        for way in WAYS:
            times[way].append(step_seconds(context, paths, name, way))
        times["best"].append(step_seconds(context, paths, name, "serial", 2) / 2)
    return {way: statistics.median(each) for way, each in times.items()}


def lines(context, golden, side=SIDE):
    paths = write_jobs(context, golden, side)
    for name in MODELS:
        times = measure(context, paths, name)
        yield (f"{name} {side} x {side}: {times['best'] * 1e3:.2f} ms a step, as two at once share two threads; as ratios to it: "
               + ", ".join(f"{way} {times[way] / times['best']:.2f}" for way in WAYS))
