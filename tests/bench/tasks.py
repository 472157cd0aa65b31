# SPDX-License-Identifier: Apache-2.0
"""What running a task costs, on the four graphs of graphs.h, empty tasks, two threads: as ratios to the
pool of threads by itself, each task handed over. METG(50 %) (Task Bench, Slaughter et al. 2020): how long a task must be for half
of the speed that the threads could reach. 64 tasks of 20 us as ratios to threads that share a loop over the
same calls. How much longer auto takes than the best of the others, on each graph and length of tasks. And what a task costs under processes, by the size of the state
that the workers share, as ratios to the smallest, with what a copy of it would be seen by."""
import json
import os
import statistics
import subprocess
import time

GRAPHS = ("64 and a gather", "random 1,000", "chain of 1,000", "wavefront 32 x 32")
THREADS, ROUNDS = 2, 21
SIZES = (1, 100, 1000)  # MB of state
SHARED_NS, SHARED_RUNS, ENOUGH = 500, 5, 4e9  # tasks that are worth another worker's while; bytes
LONG_NS, SIDE_BY_SIDE = 20000, 4  # the graph without an order
CHOICES = ("serial", "threads", "processes")
CHOSEN = (0, 100, 500, 2000, LONG_NS)  # ns
LENGTHS = [50 * 2**i for i in range(12)]  # ns


def ask(build, program, *arguments):
    ended = subprocess.run([os.path.join(build, "bench", program), *map(str, arguments)], check=True,
                           capture_output=True, text=True)
    return json.loads(ended.stdout)


def dask_threads(build, graph, times=5):
    """ns a task; None where Dask is missing."""
    try:
        import dask.threaded  # pylint: disable=import-outside-toplevel
    except ImportError:
        return None
    tasks = {number: (lambda *_: None, *before) for number, before in enumerate(ask(build, "tasks", graph))}
    sinks = list(set(tasks) - {before for task in tasks.values() for before in task[1:]})
    measured = []
    for _ in range(times):
        began = time.perf_counter()
        dask.threaded.get(tasks, sinks, num_workers=THREADS)
        measured.append((time.perf_counter() - began) / len(tasks) * 1e9)
    return statistics.median(measured)


def costs(build, graph):
    """Column -> ns a task; None: the peer is not installed."""
    columns = ask(build, "tasks", graph, THREADS, ROUNDS, 0)
    has_tbb = os.path.exists(os.path.join(build, "bench/tasks_tbb"))
    columns["oneTBB"] = ask(build, "tasks_tbb", graph, THREADS, ROUNDS, 0) if has_tbb else None
    columns["Dask"] = dask_threads(build, graph)
    return columns


def least_lengths(build, graph):
    """Column -> METG(50 %) in ns; None: beyond the longest tried."""
    found = {"serial": None, "threads": None, "processes": None, "OpenMP": None}
    for length in LENGTHS:
        columns = ask(build, "tasks", graph, THREADS, 5, length)
        for name in found:
            ideal = length / (1 if name == "serial" else THREADS)
            if found[name] is None and columns[name] <= 2 * ideal:
                found[name] = length
        if None not in found.values():
            break
    return found


def speed_up_line(build):
    columns = ask(build, "tasks", SIDE_BY_SIDE, THREADS, ROUNDS, LONG_NS)
    bare = columns["bare threads"]
    told = (f"{name} {bare / columns[name] * 100:.0f} %" for name in (*CHOICES, "auto", "bare pool", "OpenMP"))
    return f"64 tasks of {LONG_NS // 1000} us: of the speed of {THREADS} bare threads: " + ", ".join(told)


def choice_lines(build):
    """Of each graph, by length of its tasks."""
    worst = 0
    for number, graph in enumerate((*GRAPHS, "64 side by side")):
        told = []
        for length in CHOSEN:
            columns = ask(build, "tasks", number, THREADS, 11, length)
            best = min(CHOICES, key=columns.get)
            ratio = columns["auto"] / columns[best]
            worst = max(worst, ratio)
            told.append(f"{length} ns {ratio:.2f} ({best})")
        yield f"{graph}: auto / the best: " + ", ".join(told)
    yield f"auto / the best, at the most: {worst:.2f}"


def shared_states(build):
    """Size in MB -> columns of state.c: medians of runs that take turns, and the most faults and private bytes of any."""
    has_room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") > ENOUGH
    runs = {size: [] for size in SIZES if has_room or size < SIZES[-1]}
    for _ in range(SHARED_RUNS):
        for size, measured in runs.items():
            measured.append(ask(build, "state", size, THREADS, SHARED_NS))
    return {size: {"ns": statistics.median(run["ns"] for run in measured),
                   **{name: max(run[name] for run in measured) for name in ("faults", "private")}}
            for size, measured in runs.items()}


def shared_line(build):
    states = shared_states(build)
    least = states[SIZES[0]]["ns"]
    seen = (f"{size} MB {state['ns'] / least:.2f} ({state['faults']} faults in all steps, {state['private'] / 1e6:.1f} MB more private memory)"
            for size, state in states.items())
    return (f"tasks of {SHARED_NS} ns in {THREADS} processes, {SIZES[0]} MB of state: {least:.1f} ns a task; as ratios to it: "
            + ", ".join(seen))


def lines(build):
    for number, graph in enumerate(GRAPHS):
        columns = costs(build, number)
        bare = columns["bare pool"]
        yield f"{graph}: {bare:.1f} ns a task by the bare pool; " + ", ".join(
            f"{name} {'skipped: it is not installed' if ns is None else format(ns / bare, '.2f')}"
            for name, ns in columns.items() if name != "bare pool")
    told = (f"{name} {'more' if ns is None else ns}" for name, ns in least_lengths(build, 1).items())
    yield f"{GRAPHS[1]}: METG(50 %), ns: " + ", ".join(told)
    yield speed_up_line(build)
    yield from choice_lines(build)
    yield shared_line(build)
