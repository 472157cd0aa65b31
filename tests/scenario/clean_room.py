#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing of one member reaches the next (daemon/worker/clean_room.h): members that leave all kinds
of things behind, in a daemon and in a local run. The library is tests/lib/untidy.c."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

PUT_BACK = range(1, 14)  # deeds of untidy.c
RENEWED = range(14, 16)
LOCALE = 5


def job(deeds, **more):
    return {"model": {"processes": {"p": "untidy.Untidy"}},
            "clocks": {"time": {"data": [0.0, 1.0]}}, "main_clock": "time", "batch_dim": "batch",
            "inputs": {"p__deed": {"dims": ["batch"], "data": list(deeds)}},
            "outputs": {"p__found": None, "p__value": None}, **more}


def interleaved(deeds):
    """Each is followed by one that only looks, and by all others."""
    return [d for deed in deeds for d in (deed, 0)] + list(reversed(deeds)) + [0]


def make_locale(context):
    """A bare machine has no locale with a decimal comma: localedef makes one."""
    folder = context.directory("locale")
    with open(os.path.join(folder, "comma"), "w", encoding="utf-8") as file:
        file.write('LC_NUMERIC\ndecimal_point ","\nthousands_sep "."\ngrouping 3\nEND LC_NUMERIC\n')
    # It warns of all that is missing, and makes the locale.
    subprocess.run(["localedef", "-c", "-i", os.path.join(folder, "comma"),
                    os.path.join(folder, "xx_XX")], capture_output=True, check=False)
    os.environ["LOCPATH"] = folder


def nothing_found(store, members):
    group = harness.open_store(store)
    found, values = group["p__found"][...].tolist(), group["p__value"][...].tolist()
    equal(found, [0] * members, "what members found")
    equal(len(set(values)), 1, f"different values {sorted(set(values))}")


def start(context, workers):
    make_locale(context)
    return context.daemon(workers=workers, options=["--processes", context.program("untidy")])


def modes(store):
    return {oct(os.stat(os.path.join(folder, name)).st_mode & 0o777)
            for folder, _, names in os.walk(store) for name in names}


def test_what_can_be_put_back_is(context):
    daemon = start(context, 1)
    deeds = interleaved(PUT_BACK)
    clean = daemon.finish(job([0] * 5))
    pids = {w["pid"] for w in daemon.workers()}
    ended = daemon.finish(job(deeds))
    nothing_found(ended["store"], len(deeds))
    equal(modes(ended["store"]), modes(clean["store"]), "modes of files")
    equal({w["pid"] for w in daemon.workers()}, pids, "the worker is the same")
    again = daemon.finish(job([0] * 5))
    nothing_found(again["store"], 5)
    harness.same_store(clean["store"], again["store"])


def test_what_cannot_renews_the_worker(context):
    daemon = start(context, 2)
    deeds = interleaved(RENEWED) * 3
    ended = daemon.finish(job(deeds, max_attempts=1))
    nothing_found(ended["store"], len(deeds))
    check(any("leaves: after member" in line for line in daemon.lines), "it says why:\n" + daemon.log())
    check(not any(" exited with status" in line and "warning" in line for line in daemon.lines),
          "a renewed worker is no trouble:\n" + daemon.log())
    daemon.finish(job([0] * 5))


def test_a_single_simulation_renews_too(context):
    daemon = start(context, 1)
    alone = {**job([0]), "inputs": {"p__deed": RENEWED[0]}}
    del alone["batch_dim"]
    for _ in range(3):
        ended = daemon.finish(alone)
        equal(harness.open_store(ended["store"])["p__found"][...].item(), 0, "found")


harness.main(globals())
