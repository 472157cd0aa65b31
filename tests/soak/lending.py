# SPDX-License-Identifier: Apache-2.0
"""One simulation in one to four workers of a daemon, any of which is killed at any time, the lead or a helper: the
store is that of a run in order. In the first turns each golden case by each number of workers, undisturbed."""
import contextlib
import os
import signal
import time

import harness
from harness import FINAL, check, equal

NUMBERED = True
CASES, WORKERS, KILLS, A_TURN = harness.golden_cases(), (1, 2, 3, 4), 5, 4
PAUSES = (0.0, 0.02, 0.1, 0.4)
PROCESSES = {"parallel": True, "scheduler": "processes"}


def options(context):
    return [option for name in ("processes", "apart") for option in ("--processes", context.program(name))]


def document_of(case):
    """With processes that may be elsewhere, and one that may not."""
    document = harness.load(harness.GOLDEN, case, "job.json")
    document["model"]["processes"].update({"and_lead": "apart.Lead", **{f"and_{i}": "apart.Apart" for i in "abc"}})
    return {**document, "max_attempts": 1000}


def in_order(context, document):
    """By a run here, in which nobody is to wait for a helper."""
    os.environ["APART"] = told = context.directory("alone")
    for name in ("helped", "begun"):
        with open(os.path.join(told, name), "w", encoding="ascii"):
            pass
    return context.run_local({**document, "scheduler": "serial"}, 0, options(context))[0]


def disturb(daemon, number, drawn):
    killed = 0
    while killed < KILLS and daemon.job(number)["state"] not in FINAL:
        time.sleep(drawn.choice(PAUSES))
        busy = [w["pid"] for w in daemon.workers() if w.get("job")]
        if busy:
            with contextlib.suppress(ProcessLookupError):
                os.kill(drawn.choice(busy), signal.SIGKILL)
                killed += 1
    return killed


def run(context, case, workers, drawn):
    document = document_of(case)
    right = in_order(context, document)
    daemon = context.daemon(workers=workers, options=["--processes", context.program("apart")],
                            env={"APART": context.directory("apart"), "APART_WORKERS": "0"})
    how = PROCESSES if "batch_dim" in document else {**PROCESSES, "threads": workers}
    number = daemon.submit({**document, **how})["id"]
    killed = disturb(daemon, number, drawn) if drawn else 0
    ended = daemon.await_end(number)
    equal(ended["state"], "succeeded", f"{case} by {workers} workers, {killed} killed: {ended}")
    harness.same_store(right, ended["store"])
    check(all(not w.get("job") for w in daemon.workers()), "somebody stays with the job")
    daemon.stop()
    return killed


def turn(context, drawn, turn_number):
    n = 0
    for number in range(turn_number * A_TURN, (turn_number + 1) * A_TURN):
        case, workers = CASES[number // len(WORKERS) % len(CASES)], WORKERS[number % len(WORKERS)]
        is_disturbed = number >= len(CASES) * len(WORKERS)
        n += run(context, case, workers, drawn if is_disturbed else None)
    return n
