#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hooks and what their signals do, with the numbers of xarray-simlab's own test of signals. The
library is tests/lib/faulty.c."""
import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

NAN = math.nan
MODEL_LEVEL = {
    "skip_before": [1, 2, 4, 5],
    "skip_after": [1, 3, 5, 6],
    "continue_before": [1, 2, 3, 4],
    "continue_after": [1, 3, 4, 5],
    "break_before": [1, 2, NAN, NAN],
    "break_after": [1, 3, NAN, NAN],
}


def job(*hooks, **more):
    return {"model": {"processes": {"foo": "faulty.Counting"}},
            "clocks": {"clock": {"data": [0.0, 1.0, 2.0, 3.0]}}, "main_clock": "clock",
            "outputs": {"foo__v": "clock", "foo__vv": None},
            "hooks": ["faulty." + hook for hook in hooks], **more}


def run(context, document, code=0):
    return context.run_local(document, code, ["--processes", context.program("faulty")])


def saved(store):
    group = harness.open_store(store)
    equal(float(group["foo__vv"][...]), 10.0, "the output that is saved once")
    return [None if math.isnan(v) else v for v in group["foo__v"][...].tolist()]


def expect(context, document, wanted, what):
    store, _ = run(context, document)
    equal(saved(store), [None if math.isnan(v) else v for v in wanted], what)


def test_model_level(context):
    expect(context, job(), [1, 3, 5, 6], "no hooks")
    for hook, wanted in MODEL_LEVEL.items():
        expect(context, job(hook), wanted, hook)


def test_the_highest_signal_prevails(context):
    expect(context, job("skip_after", "break_after", "continue_after"), MODEL_LEVEL["break_after"],
           "three hooks")


def test_process_level(context):
    expect(context, job("skip_process"), [1, 2, 4, 5], "a process that is skipped")
    # The process ran; BREAK holds for what depends on it, in that stage.
    expect(context, job("break_process"), [1, 3, 5, 6], "a process after which BREAK is signalled")


def test_hooks_read_and_log(context):
    _, ran = run(context, job("looks"))
    for step, value in enumerate((1, 3, 5)):
        check(f"foo saw v = {value}" in ran.stderr, f"step {step} in {ran.stderr!r}")


def test_stop_when_and_log_every(context):
    stop = {"variable": "foo__v", "above": 2}
    expect(context, job(stop_when=stop), MODEL_LEVEL["break_after"], "stop_when above")
    expect(context, job(stop_when={"variable": "foo__v", "below": 0}), [1, 3, 5, 6], "never below")
    _, ran = run(context, job(log_every=2))
    check("step 2 of 3" in ran.stderr and "step 1 of 3" not in ran.stderr, ran.stderr)


def test_what_goes_wrong_is_told(context):
    _, ran = run(context, job("fails"), 1)
    check("hook faulty.fails" in ran.stderr and "asked to fail" in ran.stderr, ran.stderr)
    _, ran = run(context, job("asks_for_nothing"), 1)
    check("no variable foo__nothing" in ran.stderr, ran.stderr)
    _, ran = run(context, job("nobodys"), 2)
    check("faulty.nobodys" in ran.stderr and "/hooks/0" in ran.stderr, ran.stderr)


harness.main(globals())
