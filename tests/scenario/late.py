#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Outputs that the first member never saves: most members stop early, the few that go on to the last
label save them, each in sizes of its own. The lowest of those decides the layout, whatever the number
of workers, who comes first and who is killed: the store equals that of a local run, byte for byte."""
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "../soak")]
import harness  # pylint: disable=wrong-import-position
import kills  # pylint: disable=wrong-import-position
from harness import check, equal, load  # pylint: disable=wrong-import-position
from patience import Patient  # pylint: disable=wrong-import-position
from turn import Disturber, Wanted, look_for_bugs  # pylint: disable=wrong-import-position

SEED = os.environ.get("SIMLAB_TEST_SEED", "1")
MEMBERS, STEPS = 60, 8
FIRST_LATE = STEPS - 2  # (the last label is saved at their end also by those that stop early)
LATE = ("m__vector", "m__label", "m__grid", "m__level")
GOES_ON, STOPS = 10 ** 6, (0, 1, 3)
FAILS = 1


def job(drawn, goes_on, work):
    """goes_on: the members that reach the last label. Some before and among them fail there."""
    labels = list(range(STEPS + 1))
    stops = [GOES_ON if m in goes_on else drawn.choice(STOPS) for m in range(MEMBERS)]
    faults = [FAILS if m == min(goes_on) or drawn.random() < 0.05 else 0 for m in range(MEMBERS)]

    def each(values):
        return {"dims": ["b"], "data": values}
    return {"model": {"processes": {"m": "varied.Member"}}, "main_clock": "time", "batch_dim": "b",
            "clocks": {"time": {"data": labels}, "late": {"data": labels[FIRST_LATE:-1]}},
            "inputs": {"m__size": each([1 + (m * 7) % 5 for m in range(MEMBERS)]), "m__stops": each(stops),
                       "m__grows": each([m % 2 for m in range(MEMBERS)]), "m__fault": each(faults),
                       "m__at": STEPS - 1, "m__work": work},
            "outputs": {"m__value": "time", "m__drawn": None, **{name: "late" for name in LATE}},
            "encoding": {"m__label": {"chunks": [1, 2, 9]}, "m__grid": {"compressor": None, "chunks": [4, 1, 2, 2]}},
            "stop_when": {"variable": "m__level", "above": 1}, "max_attempts": 1000, "seed": 7}


def wanted_of(context, drawn, goes_on, work):
    wanted = Wanted(context, job(drawn, goes_on, work), [context.program("varied")])
    store = wanted.stores[0]
    lowest = min(m for m in goes_on if m not in wanted.dead)
    shape = load(store, "m__vector", ".zarray")["chunks"]
    size = 1 + (lowest * 7) % 5 + (lowest % 2) * (FIRST_LATE + 1)
    check(shape[-1] == size, f"member {lowest} was to decide: chunks {shape}, its size {size}")
    return wanted


def run(context, wanted, workers, acts=None, drawn=None):
    daemon = context.daemon(workers=workers, options=["--processes", context.program("varied")])
    patient = Patient(daemon)
    with Disturber(drawn, acts(daemon) if acts else [], 6 if acts else 0) as disturber:
        wanted.number = patient.submit(wanted.job, "late")
        patient.end(wanted.number)
        disturber.end()
        wanted.compare(patient)
        patient.stop()
        look_for_bugs(daemon)


def some(drawn):
    return set(drawn.sample(range(15, MEMBERS), 9))


def undisturbed(workers):
    def test(context):
        drawn = random.Random(f"{SEED} {workers}")
        run(context, wanted_of(context, drawn, some(drawn), 0), workers)
    return test


def disturbed(name, acts, work=40):
    def test(context):
        drawn = random.Random(f"{SEED} {name}")
        run(context, wanted_of(context, drawn, some(drawn), work), drawn.randint(2, 4), acts, drawn)
    return test


def tests():
    for workers in (1, 3):
        yield f"{workers} workers", undisturbed(workers)
    yield "workers are killed", disturbed("workers", lambda daemon: [kills.Acts(daemon).kill_worker])
    yield "the daemon is killed", disturbed("daemon", lambda daemon: [kills.Acts(daemon).kill_daemon])
    yield "all are killed or frozen", disturbed("all", lambda daemon: [kills.Acts(daemon, 0.5).freeze, kills.Acts(daemon).kill_all,
                                                                       kills.Acts(daemon).kill_worker])


def test_one_member_saves_them(context):
    """The last: until it has run nobody knows of them."""
    drawn = random.Random(f"{SEED} one")
    wanted = Wanted(context, job(drawn, {MEMBERS - 1}, 0), [context.program("varied")])
    equal(MEMBERS - 1 in wanted.dead, True, "it fails at its end")
    check(not os.path.exists(os.path.join(wanted.stores[0], "m__vector")), "nobody else saves it")
    run(context, wanted, 2)
    wanted.job["inputs"]["m__fault"]["data"][MEMBERS - 1] = 0
    again = Wanted(context, wanted.job, [context.program("varied")])
    check(os.path.exists(os.path.join(again.stores[0], "m__vector")), "it is saved")
    run(context, again, 2)


harness.main(globals(), tests())
