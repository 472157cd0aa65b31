#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A spin-up that runs once: a job keeps a checkpoint, and members of others start from it, with
inputs of their own from there on. They have the bits of runs whose inputs changed at that step."""
import copy
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal  # pylint: disable=wrong-import-position

STEPS, KEPT, LONG = 40, 25, 60
FLUXES = (0.5, 2.0, 8.0)


def job(steps, flux, **more):
    return {"model": {"processes": {"grid": "reference.UniformGrid1D", "profile": "reference.ProfileU",
                                    "init": "reference.InitUGauss", "advect": "reference.AdvectionLax",
                                    "source": "reference.SourcePoint"}},
            "clocks": {"time": {"data": [i / 100 for i in range(steps + 1)]},
                       "saved": {"data": [i / 100 for i in range(0, steps + 1, 5)]}},
            "main_clock": "time",
            "inputs": {"grid__length": 1.5, "grid__spacing": 0.01, "advect__v": 1.0, "init__loc": 0.3, "init__scale": 0.1,
                       "source__loc": 1.0, "source__flux": flux},
            "outputs": {"profile__u": "saved", "source__u_source": None}, **more}


def spin_up(**checkpoint):
    return job(STEPS, 1.0, checkpoint={"keep": KEPT, **checkpoint})


def branch(start, **more):
    """From there on each of the fluxes."""
    given = job(LONG, 1.0, **{"from": start, "sweep": {"product": {"source__flux": list(FLUXES)}}, **more})
    del given["inputs"]["source__flux"]
    return given


def undisturbed(flux, kept=KEPT):
    return job(LONG, {"dims": ["time"], "data": [1.0 if i < kept else flux for i in range(LONG + 1)]})


def check_branch(context, store, kept=KEPT):
    """Labels before the branch are missing; the others have the bits of a run whose flux changed."""
    group = harness.open_store(store)
    first = -(-kept // 5)  # a label is saved by the step that begins there
    for member, flux in enumerate(FLUXES):
        whole, _ = context.run_local(undisturbed(flux, kept))
        want = harness.open_store(whole)
        got = group["profile__u"][member]
        check((got[:first] != got[:first]).all(), "what was before is missing")
        equal(got[first:].tobytes(), want["profile__u"][first:].tobytes(), f"u of member {member}")
        equal(group["source__u_source"][member].tobytes(), want["source__u_source"][...].tobytes(), "source")


def test_in_a_local_run(context):
    kept, _ = context.run_local(spin_up())
    equal(os.listdir(kept + ".checkpoints"), [f"0.{KEPT}"], "kept")
    for scheduler in ("serial", "threads", "processes"):
        store, _ = context.run_local(branch({"store": kept, "step": KEPT}, scheduler=scheduler, threads=2))
        check_branch(context, store)


def test_in_a_daemon(context):
    daemon = context.daemon(workers=2)
    number = daemon.submit(spin_up(every=7))["id"]
    equal(daemon.await_end(number)["state"], "succeeded", "the spin-up")
    given = branch({"job": int(number), "step": KEPT})
    first = daemon.await_end(daemon.submit(given)["id"])
    equal(first["state"], "succeeded", first)
    check_branch(context, first["store"])
    based = {"base": int(number), "from": {"job": int(number), "step": KEPT}, "checkpoint": None,
             "clocks": given["clocks"], "sweep": given["sweep"]}
    second = daemon.await_end(daemon.submit(based)["id"])
    harness.same_store(first["store"], second["store"])
    third = daemon.await_end(daemon.submit({"base": int(second["id"])})["id"])
    harness.same_store(first["store"], third["store"])


def test_each_from_its_own(context):
    daemon = context.daemon(workers=2)
    ramp = job(STEPS, 1.0, checkpoint={"keep": [10, KEPT]}, sweep={"product": {"advect__v": [0.5, 1.0, 1.5]}})
    del ramp["inputs"]["advect__v"]
    number = int(daemon.submit(ramp)["id"])
    ended = daemon.await_end(number)
    equal(len(os.listdir(ended["store"] + ".checkpoints")), 6, "kept")
    on = {"base": number, "from": {"job": number, "step": 10, "member": "each"}, "checkpoint": None}
    goes_on = daemon.await_end(daemon.submit(on)["id"])
    got, want = (harness.open_store(j["store"])["profile__u"][:, 3:] for j in (goes_on, ended))
    equal(got.tobytes(), want.tobytes(), "what came after step 10")
    refused = daemon.submit({**on, "from": {"job": number, "step": 10, "member": 3}}, status=422)
    check("has no member 3: it has 3" in refused["detail"], refused)


def test_a_branch_is_killed_and_goes_on(context):
    daemon = context.daemon(workers=1)
    number = int(daemon.submit(spin_up())["id"])
    daemon.await_end(number)
    folder = context.directory("killed")
    kept = daemon.job(number)["store"]
    plain, _ = context.run_local(branch({"store": kept, "step": KEPT}, checkpoint={"every": 1}))
    path = os.path.join(folder, "job.json")
    with open(path, "w", encoding="utf-8") as file:
        harness.json.dump(branch({"store": kept, "step": KEPT}, checkpoint={"every": 1}, max_attempts=5), file)
    resumed = 0
    for writes in range(20, 60, 8):
        store = f"{path}.{writes}.zarr"
        ended = context.run("simlab-worker", "run", path, "--store", store,
                            env={**os.environ, "SIMLAB_FAULT": f"write:{writes}:kill"})
        if ended.returncode == 0:
            harness.same_store(plain, store)
            resumed += "from its checkpoint" in ended.stderr
    check(resumed > 0, "none went on from a checkpoint")


def refusals(number):
    start = {"job": number, "step": KEPT}
    yield 422, "/from/job", "there is no job", branch({"job": 99, "step": KEPT})
    yield 422, "/from/step", "keeps no checkpoint after step 24", branch({"job": number, "step": 24})
    yield 422, "/from/step", "none of the 60 steps", branch({"job": number, "step": LONG})
    yield 422, "/from/step", "1 or more", branch({"job": number, "step": 0})
    yield 422, "/from/store", "local runs", branch({"store": "/etc/passwd", "step": KEPT})
    yield 422, "/from/other", "", branch({**start, "other": 1})
    yield 422, "/from/member", "member", branch({**start, "member": "all"})
    yield 422, "/from/member", "has no member 1", branch({**start, "member": 1})
    yield 422, "/from/member", "as many members", branch({**start, "member": "each"})
    moved = branch(start)
    moved["inputs"]["init__loc"] = 0.4
    yield 422, "/inputs/init__loc", "give it as job", moved
    other = branch(start)
    del other["model"]["processes"]["source"]
    del other["outputs"]["source__u_source"]
    other["sweep"] = {"product": {"advect__v": [1.0]}}
    del other["inputs"]["advect__v"], other["inputs"]["source__loc"]
    yield 422, "/from", "the model is not that", other
    times = branch(start)
    times["clocks"]["time"]["data"][3] = 0.0305
    times["clocks"]["saved"]["data"] = [0.0]
    yield 422, "/from", "label 3 of the main clock is 0.0305, and 0.03 in", times


def test_what_cannot_start_is_refused(context):
    daemon = context.daemon(workers=1)
    number = int(daemon.submit(spin_up())["id"])
    kept = daemon.await_end(number)["store"] + ".checkpoints"
    for status, pointer, words, given in refusals(number):
        said = daemon.submit(given, status=status)
        check(words in said["detail"] and (said.get("pointer") or said["errors"][0]["pointer"]) == pointer, (words, pointer, said))
    said = daemon.submit({**spin_up(), "store": "x.checkpoints"}, status=422)
    check(".checkpoints" in said["detail"], said)
    os.rename(kept, kept + ".away")
    said = daemon.submit(branch({"job": number, "step": KEPT}), status=409)
    check(f"has left no checkpoint after step {KEPT}" in said["detail"], said)
    os.rename(kept + ".away", kept)


def spoil(path, how):
    with open(path, "r+b") as file:
        if how == "cut":
            file.truncate(os.path.getsize(path) // 2)
        elif how == "empty":
            file.truncate(0)
        else:
            file.seek(300)
            byte = file.read(1)
            file.seek(300)
            file.write(bytes([byte[0] ^ 1]))


def test_what_is_damaged_fails_its_members(context):
    kept, _ = context.run_local(spin_up())
    path = f"{kept}.checkpoints/0.{KEPT}"
    shutil.copy(path, path + ".whole")
    given = branch({"store": kept, "step": KEPT})
    for how in ("cut", "empty", "bit"):
        spoil(path, how)
        _, ended = context.run_local(given, 1)
        check("cannot be used: its checkpoint is cut or damaged" in ended.stderr, ended.stderr)
        shutil.copy(path + ".whole", path)
    other = copy.deepcopy(given)
    other["model"]["processes"]["more"] = "reference.Logistic"
    other["inputs"]["more__r"] = 1.0
    _, ended = context.run_local(other, 1)
    check("it is of another model" in ended.stderr, ended.stderr)
    os.remove(path)
    _, ended = context.run_local(given, 1)
    check(f"there is no {path}" in ended.stderr, ended.stderr)
    _, ended = context.run_local(branch({"job": 1, "step": KEPT}), 2)
    check("for jobs of a daemon" in ended.stderr or "store" in ended.stderr, ended.stderr)


harness.main(globals())
