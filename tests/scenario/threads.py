#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One simulation on several threads: the store, the log and the errors are those of a run in order,
byte for byte, by the daemon and by `simlab-worker run`. The libraries are tests/lib/shares.c,
faulty.c and apart.c."""
import copy
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal
from patient import Patience  # pylint: disable=wrong-import-position

SERIAL = {"scheduler": "serial"}
THREADS = [{"parallel": True, "scheduler": "threads", "threads": n} for n in (2, 8)]
MEASURED = {"parallel": True, "threads": 2}
ABORTS, NEVER_ENDS, EXITS = 2, 4, 5  # faulty.c


def model(types, outputs=None, steps=3, **more):
    return {"model": {"processes": types}, "clocks": {"time": {"data": list(range(steps + 1))}},
            "main_clock": "time", "inputs": {}, "outputs": outputs or {}, "max_attempts": 1, **more}


def fields():
    names = [f"f{i}" for i in range(6)]
    outputs = {f"{name}__{variable}": "time" for name in names for variable in ("value", "sum")}
    return model({"total": "shares.Total", **{name: "shares.Field" for name in names}},
                 {**outputs, "total__total": "time"}, steps=20)


def landscape():
    document = harness.load(harness.REPOSITORY, "daemon/processes/landscape", "demo.json")
    del document["sweep"]
    document["model"]["processes"]["noise"] = "landscape.InitialNoise"
    document["clocks"] = {"time": {"data": {"linspace": [0, 20000, 21]}},
                          "snapshot": {"data": {"linspace": [0, 20000, 5]}}}
    document["inputs"] = {"grid__ny": 70, "grid__nx": 90, "grid__dx": 90, "grid__dy": 100, "init__elevation": 0,
                          "uplift__rate": 5e-4, "rivers__erodibility": 1e-5, "hillslopes__diffusivity": 0.2}
    return document


def gray_scott():
    document = harness.load(harness.GOLDEN, "gray-scott", "job.json")
    document["inputs"].update(grid__nx=80, grid__ny=96)
    return document


def libraries(context):
    return [option for name in ("processes", "shares", "faulty") for option in ("--processes", context.program(name))]


def local(context, document, code=0):
    store, ended = context.run_local(document, code, libraries(context))
    return store, ended.stderr.replace(os.path.dirname(store), "")


def lines(daemon, number):
    return [data for _, kind, data in daemon.events(number, 0) if kind == "log"]


def test_the_same_store(context):
    daemon = context.daemon(workers=1, options=libraries(context))
    for name, document in (("fields", fields()), ("landscape", landscape()), ("gray-scott", gray_scott())):
        store, said = local(context, {**document, **SERIAL})
        logs = []
        for how in (*THREADS, MEASURED):
            other, also = local(context, {**document, **how})
            harness.same_store(store, other)
            equal(also, said, f"{name}: what was said under {how}")
        for how in (SERIAL, *THREADS, MEASURED):
            ended = daemon.finish({**document, **how})
            harness.same_store(store, ended["store"])
            equal(ended["notes"], [], "notes")
            logs.append(lines(daemon, ended["id"]))
        check(all(log == logs[0] for log in logs), f"{name}: logs {logs}")
        if name == "fields":
            equal(len(logs[0]), 20 * 7, "lines")


def test_they_run_side_by_side(context):
    document = model({"a": "shares.Meets", "b": "shares.Meets"}, {"a__met": "time"}, member_timeout=60, **THREADS[0])
    local(context, document)
    daemon = context.daemon(workers=1, options=libraries(context))
    daemon.finish(document)
    local(context, {**document, **SERIAL, "member_timeout": 0.3}, 1)


def test_the_error_is_that_of_a_run_in_order(context):
    document = model({**{f"f{i}": "shares.Field" for i in range(3)}, "late": "shares.Fails", "later": "shares.Fails"})
    _, said = local(context, {**document, **SERIAL}, 1)
    check("process 'late' (shares.Fails), run_step of step 1: asked to fail" in said, said)
    for how in THREADS:
        equal(local(context, {**document, **how}, 1)[1], said, "what was said")


def test_others_end_beside_one_that_fails(context):
    """It fails once both others have ended, which began beside it: all three are finalized, and its place is told."""
    document = model({"m": "apart.Midst", "b": "apart.Numbered", "c": "apart.Numbered"}, member_timeout=60)
    document["inputs"] = {"m__deed": 1, "b__number": 1, "c__number": 2}
    for how in THREADS:
        os.environ["APART"] = context.directory("apart")
        with open(os.path.join(os.environ["APART"], "ready"), "w", encoding="ascii"):
            pass
        try:
            _, ended = context.run_local({**document, **how}, 1, ["--processes", context.program("apart")])
        finally:
            there = os.listdir(os.environ.pop("APART"))
        check({"through.1", "through.2"} <= set(there), f"{there}: {ended.stderr}")
        check("process 'm' (apart.Midst), run_step of step 0: asked to fail" in ended.stderr, ended.stderr)
        equal(ended.stderr.count("is finalized"), 3, f"processes that were finalized: {ended.stderr}")


def test_faults_in_a_thread(context):
    for fault in (ABORTS, NEVER_ENDS, EXITS):
        document = model({"p": "faulty.Faulty", "q": "faulty.Faulty", "r": "faulty.Faulty"}, {"r__value": "time"},
                         inputs={"q__fault": fault}, member_timeout=0.5 if fault == NEVER_ENDS else 0)
        _, said = local(context, {**document, **SERIAL}, 1)
        for how in THREADS:
            equal(local(context, {**document, **how}, 1)[1], said, f"fault {fault}: what was said")


def killed_at_its_fourth_step(context, document, patience):
    """Its worker, by kill -9: the job as it has ended, and its dead members. (The lines of a stage come at its end.)"""
    daemon = context.daemon(workers=1, options=[*libraries(context), "--processes", context.program("patient")],
                            env=patience.environment())
    number = daemon.submit(document)["id"]
    patience.give(3)
    daemon.await_event(number, lambda kind, data: kind == "log" and "step 2" in str(data))
    os.kill(next(w["pid"] for w in daemon.workers() if w.get("lease")), signal.SIGKILL)
    patience.give(20)  # one may have gone with it
    ended = daemon.await_end(number)
    return ended, daemon.request("GET", f"/v1/jobs/{number}/members", status=200).json["members"]


def test_a_worker_that_is_killed(context):
    """Whoever kills it: that is an attempt of the member, which begins again, to the same store."""
    document = fields()
    document["model"]["processes"]["waits"] = "patient.Patient"
    document["clocks"]["time"]["data"] = list(range(7))
    document["outputs"]["waits__value"] = "time"
    for attempts in (2, 1):
        patience = Patience(context)
        try:
            document["max_attempts"] = attempts
            ended, dead = killed_at_its_fourth_step(context, {**document, **THREADS[0]}, patience)
        finally:
            patience.close()
        if attempts > 1:
            equal((ended["state"], ended["done"], dead), ("succeeded", 1, []), f"how it ended: {ended}")
            harness.same_store(serial_store(context, document), ended["store"])
        else:
            equal((ended["state"], [(m["state"], m["attempts"]) for m in dead]), ("failed", [("dead", 1)]), f"how it ended: {ended}")
            check("was killed by signal 9" in dead[0]["reason"], dead)


def serial_store(context, document):
    patience = Patience(context)
    patience.give(20)
    os.environ.update(patience.environment())
    try:
        store, _ = context.run_local({**document, **SERIAL}, 0, [*libraries(context), "--processes", context.program("patient")])
        return store
    finally:
        os.environ.pop("SIMLAB_TEST_PATIENCE")
        patience.close()


def test_what_is_not_there(context):
    daemon = context.daemon(workers=1, options=libraries(context))
    document = fields()
    notes = daemon.submit({**document, "scheduler": "processes"})["notes"]
    equal(notes, [], "notes")
    refused = daemon.submit({**document, "scheduler": "distributed"}, status=422)
    equal(refused["errors"][0]["pointer"] if "errors" in refused else refused["pointer"], "/scheduler", "pointer")
    refused = daemon.submit({**document, **THREADS[0], "threads": 65}, status=422)
    check("from 1 to 64" in refused["detail"], refused)
    batch = copy.deepcopy(document)
    batch["inputs"] = {"f0__size": {"dims": ["b"], "data": [10, 10]}}
    batch["batch_dim"] = "b"
    notes = daemon.submit({**batch, "scheduler": "threads", "parallel": False})["notes"]
    equal([note.split(":")[0] for note in notes], ["scheduler"], "what is noted for a batch")
    equal(daemon.submit({**batch, "scheduler": "processes", "parallel": True})["notes"], [], "notes")


if __name__ == "__main__":
    harness.main(globals())
