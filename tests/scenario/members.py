#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is told of members that died: the cause, process, stage and step, and the end of their logs;
and which members are done, dead, leased or waiting."""
import io
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

PRINTS_AND_ABORTS = 3  # of tests/lib/machine.c
NONE, FAILS, ABORTS, WRITES_NOWHERE, NEVER_ENDS, EXITS = range(6)
FAULTS = {2: (FAILS, "error"), 5: (ABORTS, "signal"), 6: (NEVER_ENDS, "timeout"), 9: (EXITS, "exit")}
MEMBERS = 12


def simlab(context, daemon, *arguments):
    ended = context.run("simlab", *arguments, "--server", daemon.server, "--token", daemon.token)
    equal(ended.returncode, 0, f"simlab {arguments}: {ended.stderr}")
    return ended.stdout


def listed(daemon, number, what="members"):
    return daemon.request("GET", f"/v1/jobs/{number}/{what}", status=200).json[what]


def test_causes_and_places(context):
    daemon = context.daemon(options=["--processes", context.program("faulty")])
    faults = [FAULTS.get(m, (NONE,))[0] for m in range(MEMBERS)]
    job = {"model": {"processes": {"p": "faulty.Faulty"}}, "clocks": {"time": {"data": [0.0, 1.0, 2.0, 3.0]}},
           "main_clock": "time", "inputs": {"p__fault": {"dims": ["b"], "data": faults}}, "outputs": {"p__value": None},
           "batch_dim": "b", "max_attempts": 1, "member_timeout": 1}
    number = daemon.finish(job, "partial")["id"]
    dead = {m["member"]: m for m in listed(daemon, number)}
    equal({m: dead[m]["cause"] for m in dead}, {m: cause for m, (_, cause) in FAULTS.items()}, "causes")
    for m in dead.values():
        equal((m["process"], m["type"], m["stage"], m["step"]), ("p", "faulty.Faulty", "run_step", 1), f"place in {m}")
    said = simlab(context, daemon, "members", number, "--dead")
    for m, (_, cause) in FAULTS.items():
        check(any(line.split()[:3] == [str(m), "1", cause] for line in said.splitlines()), said)


def test_the_end_of_a_log(context):
    """What it logged by a hook, and what its worker printed; of no other member."""
    daemon = context.daemon(options=["--processes", context.program("varied"), "--processes", context.program("machine")])
    job = {"model": {"processes": {"m": "varied.Member"}}, "clocks": {"time": {"data": [0, 1, 2, 3]}}, "main_clock": "time",
           "inputs": {"m__fault": {"dims": ["b"], "data": [0, 0, FAILS, 0, FAILS, 0]}, "m__at": 2}, "batch_dim": "b",
           "outputs": {"m__value": "time"}, "hooks": ["varied.logs"]}
    number = daemon.finish(job, "partial")["id"]
    logs = {m["member"]: m["log"] for m in listed(daemon, number)}
    equal(sorted(logs), [2, 4], "dead members")
    check(all(len(log) == 1 and log[0].startswith("value ") for log in logs.values()) and logs[2] != logs[4], f"{logs}")
    check("| " + logs[2][0] in simlab(context, daemon, "members", number, "--dead"), "it is not shown")
    job = {"model": {"processes": {"m": "machine.Acts"}}, "clocks": {"time": {"data": [0.0, 1.0, 2.0, 3.0]}},
           "main_clock": "time", "inputs": {"m__act": {"dims": ["b"], "data": [0, PRINTS_AND_ABORTS, 0]}}, "batch_dim": "b",
           "outputs": {"m__value": None}, "max_attempts": 1}
    number = daemon.finish(job, "partial")["id"]
    equal(listed(daemon, number)[0]["log"][-1], "the last words", "the last line")


def test_ranges(context):
    """Of a job that runs, and that was cancelled."""
    daemon = context.daemon(options=["--processes", context.program("varied")])
    job = {"model": {"processes": {"m": "varied.Member"}}, "clocks": {"time": {"data": list(range(200))}}, "main_clock": "time",
           "inputs": {"m__fault": {"dims": ["b"], "data": [0, 0, 0, FAILS] + [0] * 996}, "m__work": 300}, "batch_dim": "b",
           "outputs": {"m__value": None}}
    number = daemon.submit(job)["id"]
    daemon.await_event(number, lambda kind, data: kind == "progress" and data["dead"] > 0)
    ranges = listed(daemon, number, "ranges")
    equal([r["begin"] for r in ranges], [0] + [r["end"] for r in ranges][:-1], f"{ranges}")
    equal(ranges[-1]["end"], 1000, f"{ranges}")
    check({"begin": 3, "end": 4, "state": "dead"} in ranges, f"{ranges}")
    check({r["state"] for r in ranges} <= {"done", "dead", "leased", "waiting"}, f"{ranges}")
    one_by_one, start = [], 0
    while start < 1000:
        page = daemon.request("GET", f"/v1/jobs/{number}/ranges?limit=1&from={start}", status=200).json
        one_by_one += page["ranges"]
        start = page.get("next", 1000)
    equal(one_by_one[-1]["end"], 1000, "the end of the last page")
    simlab(context, daemon, "cancel", number)
    ranges = listed(daemon, number, "ranges")
    check({r["state"] for r in ranges} <= {"done", "dead", "missing"}, f"{ranges}")
    said = simlab(context, daemon, "members", number).splitlines()
    equal([line.split()[-1] for line in said[1:]], [r["state"] for r in ranges], "what the client shows")


def where(daemon, number, condition, what="ranges", limit=None):
    """All pages."""
    found, cursor, start = [], {"ranges": "from", "members": "after"}[what], ""
    while True:
        query = urllib.parse.urlencode({"where": condition, **({"limit": limit} if limit else {})})
        page = daemon.request("GET", f"/v1/jobs/{number}/{what}?{query}{start}", status=200).json
        check(not limit or len(page[what]) <= limit, f"{page}")
        found += page[what]
        if "next" not in page:
            return found
        start = f"&{cursor}={page['next']}"


def test_by_inputs(context):
    """Members by state and by what they were given, in lists, progressions, sweeps, uploads and what was appended."""
    import numpy  # pylint: disable=import-outside-toplevel
    daemon = context.daemon(options=["--processes", context.program("varied")])
    faults = [FAILS if m % 3 == 0 else 0 for m in range(MEMBERS)]
    job = {"model": {"processes": {"m": "varied.Member"}}, "clocks": {"time": {"data": [0, 1, 2, 3]}}, "main_clock": "time",
           "inputs": {"m__fault": {"dims": ["b"], "data": faults}, "m__at": 1}, "coords": {"site": {"dims": ["b"], "arange": [MEMBERS]}},
           "batch_dim": "b", "outputs": {"m__value": None}, "open": True}
    number = daemon.finish(job, "partial")["id"]
    for limit in (None, 1, 2):
        said = where(daemon, number, "site >= 5 and site < 8", limit=limit)
        equal(said, [{"begin": 5, "end": 6, "state": "done"}, {"begin": 6, "end": 7, "state": "dead"},
                     {"begin": 7, "end": 8, "state": "done"}], f"pages of {limit}")
        equal([m["member"] for m in where(daemon, number, "not (site < 4) and site != 9", "members", limit)], [6], "dead ones")
    said = simlab(context, daemon, "members", number, "--where", "site>2 and m__fault > 0")
    equal([line.split()[0] for line in said.splitlines()[1:]], ["3", "6", "9"], "what the client shows")
    said = simlab(context, daemon, "members", number, "--dead", "--where", "site = 9")
    equal([line.split()[0] for line in said.splitlines()[1:] if "|" not in line], ["9"], "dead ones that it shows")
    daemon.request("POST", f"/v1/jobs/{number}/members", {"inputs": {"m__fault": [0, 0]}, "coords": {"site": [100, 101]}}, status=201)
    daemon.await_end(number)
    equal(where(daemon, number, "site > 100"), [{"begin": 13, "end": 14, "state": "done"}], "appended")
    for wrong, words in (("sitr > 1", "did you mean site?"), ("site >", "at its end there should be a number"),
                         ("m__at > 0", "m__at is not one number for each member")):
        query = urllib.parse.urlencode({"where": wrong})
        problem = daemon.request("GET", f"/v1/jobs/{number}/ranges?{query}", status=422).json
        check(words in problem["detail"], f"{wrong}: {problem}")
    del job["inputs"], job["open"], job["coords"]
    job["sweep"] = {"product": {"m__fault": [0, FAILS], "m__at": {"linspace": [0, 2, 3]}}}
    number = daemon.finish({**job, "batch_dim": "b"}, "partial")["id"]
    equal(where(daemon, number, "m__fault = 0 and m__at = 1 or m__fault > 0 and m__at > 0"),
          [{"begin": 1, "end": 2, "state": "done"}, {"begin": 4, "end": 6, "state": "dead"}], "of a sweep")
    file = io.BytesIO()
    numpy.save(file, numpy.array([3, 1, 2, 1]))
    upload = daemon.request("POST", "/v1/uploads", file.getvalue(), status=201).json["id"]
    del job["sweep"]
    job["inputs"] = {"m__at": {"dims": ["b"], "upload": upload}}
    number = daemon.finish({**job, "batch_dim": "b"})["id"]
    equal([(r["begin"], r["end"]) for r in where(daemon, number, "m__at = 1")], [(1, 2), (3, 4)], "of an upload")


harness.main(globals())
