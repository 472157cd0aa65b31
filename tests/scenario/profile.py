#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where the time of a run goes: `simlab-worker run --profile`, --trace, --graph. Results are the same."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

STEPS = 50
APART = {"model": {"processes": {"lead": "apart.Lead", "a": "apart.Apart", "b": "apart.Apart", "c": "apart.Apart"}},
         "clocks": {"time": {"data": list(range(STEPS + 1))}}, "main_clock": "time", "inputs": {},
         "outputs": {"a__value": None, "b__value": None, "c__value": None}}
SERIAL = {"scheduler": "serial"}
THREADS = {"parallel": True, "scheduler": "threads", "threads": 2}
PROCESSES = {"parallel": True, "scheduler": "processes", "threads": 2}


def profiled(context, document, *options):
    """The store, what was printed, the trace and the graph."""
    folder = context.directory("profile")
    trace, graph = os.path.join(folder, "trace.json"), os.path.join(folder, "graph.dot")
    store, ended = context.run_local(document, 0, ["--processes", context.program("processes"), "--profile",
                                                   "--trace", trace, "--graph", graph, *options])
    with open(trace, encoding="utf-8") as file:
        spans = json.load(file)
    with open(graph, encoding="utf-8") as file:
        return store, ended.stdout, spans, file.read()


def calls(printed):
    """{(process, stage): how often it was called}"""
    rows = re.findall(r"^  (\w+) +(initialize|run_step|finalize_step|finalize) +(\d+) ", printed, re.M)
    return {(process, stage): int(n) for process, stage, n in rows if process != "all"}


def spans_of(trace):
    counted = {}
    for event in trace["traceEvents"]:
        equal(event["ph"], "X", "phase of an event")
        check(event["ts"] >= 0 and event["dur"] >= 0, str(event))
        if event["name"] != "outputs":
            key = event["name"], event["cat"]
            counted[key] = counted.get(key, 0) + 1
    return counted


def test_every_call_is_counted(context):
    document = harness.load(harness.GOLDEN, "gray-scott", "job.json")
    plain, _ = context.run_local({**document, **SERIAL}, 0, ["--processes", context.program("processes")])
    for how in (SERIAL, THREADS):
        store, printed, trace, graph = profiled(context, {**document, **how})
        harness.same_store(plain, store)
        counted = calls(printed)
        equal(spans_of(trace), counted, f"calls of the trace, and of the profile: {printed}")
        steps = len(set(event["args"]["step"] for event in trace["traceEvents"] if event["cat"] == "run_step"))
        equal(set(n for (_, stage), n in counted.items() if stage == "run_step"), {steps}, "calls of run_step")
        check("in parallel loops" in printed, printed)
        for process in document["model"]["processes"]:
            check(f'"{process}" [fillcolor=' in graph, graph)
        check("->" in graph, graph)


def test_calls_in_helpers_are_counted(context):
    os.environ["APART"] = context.directory("apart")
    try:
        printed, trace = profiled(context, {**APART, **PROCESSES}, "--processes", context.program("apart"))[1:3]
    finally:
        del os.environ["APART"]
    equal(spans_of(trace), calls(printed), "calls of the trace, and of the profile")
    equal({n for (_, stage), n in calls(printed).items() if stage == "run_step"}, {STEPS}, "calls of run_step")
    equal({event["tid"] for event in trace["traceEvents"]}, {0, 1}, "lanes")
    check("2 lanes" in printed, printed)


def test_the_graph_is_drawn(context):
    """By Graphviz's dot, of which this one only tells how it was called."""
    folder, document = context.directory("drawn"), harness.load(harness.GOLDEN, "advect", "job.json")
    picture, dot = os.path.join(folder, "graph.svg"), os.path.join(folder, "dot")
    options = ["--processes", context.program("processes"), "--graph", picture]
    path = os.environ["PATH"]
    for script, left in (('echo "$1 $2"; cat "$4"', {"graph.svg"}), ("exit 1", {"graph.svg.dot"})):
        with open(dot, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\n({script}) >"$3"\n')
        os.chmod(dot, 0o755)
        os.environ["PATH"] = f"{folder}:{path}"
        try:
            _, ended = context.run_local(document, 0, options)
        finally:
            os.environ["PATH"] = path
        if "graph.svg" in left:
            with open(picture, encoding="utf-8") as file:
                check(file.read().startswith("-Tsvg -o\ndigraph model"), ended.stderr)
        else:
            check("graph.svg was not drawn; what it is drawn from is in" in ended.stderr, ended.stderr)
            os.unlink(picture)
        equal(set(os.listdir(folder)) - {"dot"}, left, "files")


def test_members_are_summed(context):
    document = harness.load(harness.GOLDEN, "batch-velocity", "job.json")
    _, printed, trace, _ = profiled(context, document)
    n = len({event["args"]["member"] for event in trace["traceEvents"]})
    check(n > 1 and printed.startswith(f"{n} members, 1 lane: "), printed)
    check("too short to be shared out" in printed, printed)


def test_without_it_nothing_is_printed(context):
    _, ended = context.run_local(harness.load(harness.GOLDEN, "advect", "job.json"), 0,
                                 ["--processes", context.program("processes")])
    equal(ended.stdout, "", "standard output")


def simlab_profile(context, daemon, number):
    return context.run("simlab", "profile", str(number), env={"SIMLAB_SERVER": daemon.server, "SIMLAB_TOKEN": ""})


def test_of_a_daemons_job(context):
    daemon = context.daemon(workers=1, options=["--processes", context.program("processes")])
    document = harness.load(harness.GOLDEN, "gray-scott", "job.json")
    ended = daemon.finish({**document, **THREADS, "profile": True})
    plain, _ = context.run_local({**document, **SERIAL}, 0, ["--processes", context.program("processes")])
    harness.same_store(plain, ended["store"])
    told = "".join(data["line"] + "\n" for _, kind, data in daemon.events(ended["id"], 0) if kind == "log")
    shown = simlab_profile(context, daemon, ended["id"])
    equal((shown.returncode, shown.stderr), (0, ""), "exit of simlab profile")
    equal(re.sub(r"^profile: ", "", told, flags=re.M), shown.stdout, "the log, and what is shown")
    check(shown.stdout.startswith("1 member, 2 lanes: "), shown.stdout)
    equal({process for process, _ in calls(shown.stdout)} - set(document["model"]["processes"]), set(), shown.stdout)
    check(calls(shown.stdout), shown.stdout)
    without = simlab_profile(context, daemon, daemon.finish({**document, **SERIAL})["id"])
    equal((without.returncode, without.stdout), (2, ""), "exit of simlab profile without one")
    check('has no profile: a job is measured that says "profile": true' in without.stderr, without.stderr)


def test_of_a_job_with_lent_workers(context):
    """What they have done counts, too."""
    options = [option for name in ("processes", "apart") for option in ("--processes", context.program(name))]
    told = context.directory("apart")
    daemon = context.daemon(workers=2, options=[*options, "--sandbox", "off"],  # it looks at others in /proc
                            env={"APART": told, "APART_WORKERS": "2"})
    ended = daemon.finish({**APART, **PROCESSES, "profile": True})
    shown = simlab_profile(context, daemon, ended["id"])
    check(shown.stdout.startswith("1 member, 2 lanes: "), f"{shown}")
    counted = calls(shown.stdout)
    equal({process for process, _ in counted}, set(APART["model"]["processes"]), shown.stdout)
    equal({n for (_, stage), n in counted.items() if stage == "run_step"}, {STEPS}, "calls of run_step")


if __name__ == "__main__":
    harness.main(globals())
