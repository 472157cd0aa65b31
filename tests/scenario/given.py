#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A process that is run alone: what its neighbours would set is given. Where they are given what they
did set, it does what it does among them, bit by bit."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import REPOSITORY, check, equal  # pylint: disable=wrong-import-position

GRID = {"grid": "reference.UniformGrid1D"}


def alone(context, processes, given, inputs, outputs, **more):
    job = {"model": {"processes": processes, "given": given}, "clocks": {"time": [0, 0.5, 1, 1.5]},
           "inputs": inputs, "outputs": outputs, **more}
    store, _ = context.run_local(job)
    return harness.open_store(store)


def test_the_page_s_example(context):
    with open(os.path.join(REPOSITORY, "include/simlab/README.md"), encoding="utf-8") as file:
        job = json.loads(re.search(r"### One process alone.*?```json\n(.*?)```", file.read(), re.S).group(1))
    store, _ = context.run_local(job)
    advected = harness.open_store(store)["advect__u_advected"][...].tolist()
    equal(advected[-1], [0.4, -1.0, 0.6, 0.0], "Lax's method")
    daemon = context.daemon(workers=1)
    harness.same_store(store, daemon.await_end(daemon.submit(job)["id"])["store"])


def test_a_group(context):
    """What its members would set, each step another."""
    terms = {"profile__u": [1.0, 2.0], "advect__u_advected": {"dims": ["time", "x"], "data": [[1, 0], [2, 0], [3, 0], [4, 0]]},
             "source__u_source": [0.5, 0.25]}
    group = alone(context, {"profile": "reference.ProfileU"},
                  {"advect": "reference.AdvectionLax", "source": "reference.SourcePoint"}, terms, {"profile__u": "time"})
    equal(group["profile__u"][...].tolist(),
          [[1.0, 2.0], [2.5, 2.25], [5.0, 2.5], [8.5, 2.75]], "u, saved before each step's finalize_step")


def test_a_global_name(context):
    case = harness.load(harness.GOLDEN, "global-reference", "job.json")
    whole, _ = context.run_local(case)
    melted = [name for name in case["outputs"] if name.startswith("melt__")]
    model = case["model"]
    climate = model["processes"].pop("climate")
    job = {**case, "model": {**model, "given": {"climate": climate}}, "outputs": {name: case["outputs"][name] for name in melted}}
    store, _ = context.run_local(job)
    for name in melted:
        equal(harness.open_store(store)[name][...].tobytes(), harness.open_store(whole)[name][...].tobytes(), name)


def test_it_sets_what_is_given(context):
    group = alone(context, {"init": "reference.InitUGauss"}, {**GRID, "profile": "reference.ProfileU"},
                  {"init__loc": 1.0, "init__scale": 1.0, "grid__x": [0.0, 1.0, 2.0]}, {"profile__u": None})
    u = group["profile__u"][...].tolist()
    check(u[1] == 1.0 and u[0] == u[2] < 1.0, u)


def test_a_batch_and_schedulers(context):
    for scheduler in ("serial", "threads", "processes"):
        group = alone(context, {"advect": "reference.AdvectionLax"}, {**GRID, "profile": "reference.ProfileU"},
                      {"advect__v": {"dims": ["batch"], "data": [0.0, 1.0]}, "grid__spacing": 0.5, "profile__u": [0, 1, 0, 0]},
                      {"advect__u_advected": None}, batch_dim="batch", scheduler=scheduler)
        equal(group["advect__u_advected"].shape, (2, 4), "shape")


def refusals():
    advect, given = {"advect": "reference.AdvectionLax"}, {**GRID, "profile": "reference.ProfileU"}
    inputs = {"advect__v": 1, "grid__spacing": 1, "profile__u": [0, 1]}
    yield advect, {}, inputs, "/model/processes/advect", '"given": {"a name": "reference.UniformGrid1D"}'
    yield advect, given, {**inputs, "profile__u": None}, "/inputs/profile__u", ""
    yield advect, given, {"advect__v": 1, "grid__spacing": 1}, "/inputs/profile__u", "process 'profile' needs one"
    yield advect, given, {**inputs, "profile__u": [[0, 1]]}, "/inputs/profile__u", "2 dimensions"
    yield advect, given, {**inputs, "grid__length": 1}, "/inputs/grid__length", "no process of the model uses it"
    yield advect, {**given, "advect": "reference.ProfileU"}, inputs, "/model/given/advect", "one of the model's own"
    yield advect, {**given, "other": "reference.Nothing"}, inputs, "/model/given/other", "no process type"
    yield advect, {**given, "other": 3}, inputs, "/model/given/other", "not a text"
    yield advect, [], inputs, "/model/given", "not an object"
    yield advect, {**given, "second": "reference.ProfileU"}, inputs, "/model/processes/advect", "several processes are of that type"


def test_what_does_not_fit_is_refused(context):
    daemon = context.daemon(workers=1)
    for processes, given, inputs, pointer, words in refusals():
        job = {"model": {"processes": processes, "given": given}, "clocks": {"time": [0, 1]}, "inputs": inputs, "outputs": {}}
        said = daemon.submit(job, status=422)
        check(said["pointer"] == pointer and words in said["detail"], (pointer, words, said))


harness.main(globals())
