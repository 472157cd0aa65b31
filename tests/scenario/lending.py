#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One simulation in several workers (scheduler: processes) of a daemon, which lends those that have nothing else to
do: the store is that of a run in order, byte for byte, also where a helper, the lead or the daemon is killed, and who
is lent comes back when something else waits. The library is tests/lib/apart.c."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

SERIAL = {"scheduler": "serial"}
PROCESSES = {"parallel": True, "scheduler": "processes", "threads": 2}
OUTPUTS = {f"{name}__value": None for name in "abc"}


def model(types, outputs, steps, **more):
    return {"model": {"processes": types}, "clocks": {"time": {"data": list(range(steps + 1))}},
            "main_clock": "time", "inputs": {}, "outputs": outputs, "max_attempts": 1, **more}


def apart(more=None, **keys):
    return model({"lead": "apart.Lead", **{name: "apart.Apart" for name in "abc"}, **(more or {})}, OUTPUTS, 300, **keys)


def daemon_of(context, told, workers=2, **environment):
    looks = environment.get("APART_WORKERS", "0") != "0"  # at others in /proc
    return context.daemon(workers=workers, options=["--processes", context.program("apart"), "--writable", told,
                                                    *(["--sandbox", "off"] if looks else [])],
                          env={"APART": told, **environment})


def serial_store(context, document):
    """By `simlab-worker run`, in which nobody is to wait for helpers."""
    os.environ["APART"] = told = context.directory("alone")
    for name in ("helped", "begun"):
        with open(os.path.join(told, name), "w", encoding="ascii"):
            pass
    options = [option for name in ("processes", "apart") for option in ("--processes", context.program(name))]
    return context.run_local({**document, **SERIAL}, 0, options)[0]


def was_helped(told):
    return os.path.exists(os.path.join(told, "helped"))


def forget(told):
    for name in os.listdir(told):
        os.unlink(os.path.join(told, name))


def lines(daemon, number):
    return [str(data) for _, kind, data in daemon.events(number, 0) if kind == "log"]


def test_idle_workers_help(context):
    told = context.directory("apart")
    daemon = daemon_of(context, told, APART_WORKERS="2")  # `initialize` waits for them
    right = serial_store(context, apart())
    logs = []
    for _ in range(2):  # a worker that has led may help, and the other way round
        forget(told)
        ended = daemon.finish({**apart(), **PROCESSES})
        harness.same_store(right, ended["store"])
        check(was_helped(told), "nobody helped")
        logs.append(lines(daemon, ended["id"]))
    equal(len(logs[0]), 300 * 3 + 3, "lines")
    equal(logs[0], logs[1], "what was logged")


def golden_cases_by(context, workers, cases):
    """Those in which there was a helper."""
    told = context.directory("apart")
    daemon = daemon_of(context, told, workers, APART_WORKERS="0")
    helped = []
    for case in cases:
        document = harness.load(harness.GOLDEN, case, "job.json")
        document["model"]["processes"].update({"and_lead": "apart.Lead", **{f"and_{i}": "apart.Apart" for i in "abc"}})
        is_batch = "batch_dim" in document
        how = {**PROCESSES, "threads": workers}
        if is_batch:
            del how["threads"]
        right = serial_store(context, document)
        forget(told)
        ended = daemon.finish({**document, **how})
        harness.same_store(right, ended["store"])
        harness.golden_agrees(ended["store"], case)
        helped += [case] if was_helped(told) else []
    return helped


def test_every_golden_case(context):
    helped = golden_cases_by(context, 2, harness.golden_cases())
    check(len(helped) > 2, f"there were helpers in {helped} only")


def test_some_by_one_three_and_four_workers(context):
    """All of them: make soak."""
    cases = ("gray-scott", "group-of-three")
    for workers in (1, 3, 4):
        helped = golden_cases_by(context, workers, cases)
        check(bool(helped) == (workers > 1), f"{workers} workers: there were helpers in {helped}")


def test_a_batch_with_fewer_members_than_workers(context):
    """Each member in a worker of its own, and idle ones help."""
    if len(os.sched_getaffinity(0)) == 1:
        raise harness.Skip("one processor: a member runs in one worker")
    document = apart(coords={"number": {"dims": ["member"], "data": [7, 8]}}, batch_dim="member")
    right = serial_store(context, document)
    told = context.directory("apart")
    daemon = daemon_of(context, told, 4, APART_WORKERS="4")
    harness.same_store(right, daemon.finish({**document, "scheduler": "processes"})["store"])
    check(was_helped(told), "nobody helped")
    daemon = daemon_of(context, context.directory("apart"), 4)  # by these nobody need help: nobody is waited for
    for scheduler in ("auto", "serial", "threads"):
        harness.same_store(right, daemon.finish({**document, "scheduler": scheduler})["store"])


def test_who_is_lent_comes_back_when_something_else_waits(context):
    told = context.directory("apart")
    os.mkfifo(os.path.join(told, "wait"))
    daemon = daemon_of(context, told, APART_WORKERS="2")
    document = apart({"waits": "apart.Waits"})
    number = daemon.submit({**document, **PROCESSES})["id"]
    with open(os.path.join(told, "wait"), "w", encoding="ascii"):  # its lead stands in a step
        equal([w["job"] for w in daemon.workers()], [number, number], "who is at work")
        other = daemon.finish(model({"n": "apart.Counts"}, {"n__count": "time"}, 3))
        equal(daemon.job(number)["state"], "running", "the first job")
    harness.same_store(serial_store(context, document), daemon.await_end(number)["store"])
    equal(other["done"], 1, "members of the other job")


def stands_with_a_helper(context, **keys):
    """(daemon, number of a job whose lead stands in a step, and which another worker helps with, the pipe)."""
    told = context.directory("apart")
    wait = os.path.join(told, "wait")
    os.mkfifo(wait)
    daemon = daemon_of(context, told, APART_WORKERS="2")
    number = daemon.submit({**apart({"waits": "apart.Waits"}, **keys), **PROCESSES})["id"]
    pipe = open(wait, "w", encoding="ascii")  # pylint: disable=consider-using-with
    equal([w["job"] for w in daemon.workers()], [number, number], "who is at work")
    return daemon, number, pipe


def check_all_are_free(daemon):
    """Each of the two workers runs something else."""
    numbers = [daemon.submit(model({"n": "apart.Counts"}, {"n__count": "time"}, 3))["id"] for _ in range(4)]
    for number in numbers:
        equal(daemon.await_end(number)["state"], "succeeded", "another job")
    harness.await_true(lambda: all(not w.get("job") for w in daemon.workers()), "one is not free")


def test_helpers_come_back_from_a_job_that_is_cancelled(context):
    daemon, number, pipe = stands_with_a_helper(context)
    with pipe:
        daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)
    equal(daemon.await_end(number)["state"], "cancelled", "how it ended")
    check_all_are_free(daemon)


def test_helpers_come_back_from_a_member_that_takes_too_long(context):
    daemon, number, pipe = stands_with_a_helper(context, member_timeout=1)
    with pipe:
        ended = daemon.await_end(number)
    equal(ended["state"], "failed", "how it ended")
    dead = daemon.request("GET", f"/v1/jobs/{number}/members", status=200).json["members"]
    check("ran longer than its limit of 1 s" in dead[0]["reason"] and "process 'waits'" in dead[0]["reason"], dead)
    check_all_are_free(daemon)


def test_a_daemon_that_stops_leaves_no_helper(context):
    daemon, _, pipe = stands_with_a_helper(context)
    workers = [w["pid"] for w in daemon.workers()]
    with pipe:
        daemon.process.send_signal(signal.SIGTERM)
        equal(daemon.process.wait(harness.WAIT), 0, "exit status")
    check(all(harness.await_exit(pid) for pid in workers), "one stays behind")


def is_killed(context, pipe, document):
    """Whoever says at this pipe who it is, is killed: (the daemon, the job as it has ended)."""
    told = context.directory("apart")
    hold = os.path.join(told, pipe)
    os.mkfifo(hold)
    daemon = daemon_of(context, told, APART_WORKERS="2")
    number = daemon.submit({**document, **PROCESSES})["id"]
    with open(hold, encoding="ascii") as file:
        pid = int(file.readline())
    os.unlink(hold)
    os.kill(pid, signal.SIGKILL)
    return daemon, daemon.await_end(number)


def test_a_helper_that_is_killed(context):
    """The member starts again, and it is no attempt: there is but one."""
    daemon, ended = is_killed(context, "hold", apart())
    equal((ended["state"], ended["done"]), ("succeeded", 1), f"how it ended: {ended}")
    said = "\n".join(lines(daemon, ended["id"]))
    check("a helper of its worker was killed by signal 9" in said and "in process '" in said and
          "it starts again, which is no attempt" in said, said)
    harness.same_store(serial_store(context, apart()), ended["store"])


def test_a_helper_that_crashes(context):
    told = context.directory("apart")
    with open(os.path.join(told, "crash"), "w", encoding="ascii"):
        pass
    daemon = daemon_of(context, told, APART_WORKERS="2")
    number = daemon.submit({**apart(), **PROCESSES})["id"]
    equal(daemon.await_end(number)["state"], "failed", "how it ended")
    dead = daemon.request("GET", f"/v1/jobs/{number}/members", status=200).json["members"]
    check("a helper of its worker was killed by signal 6 (Aborted) in process '" in dead[0]["reason"], dead)


def test_the_lead_is_killed(context):
    """As any worker is: that is an attempt."""
    for attempts in (1, 2):
        document = apart(max_attempts=attempts)
        _, ended = is_killed(context, "hold-lead", document)
        equal(ended["state"], "succeeded" if attempts > 1 else "failed", f"how it ended: {ended}")
    harness.same_store(serial_store(context, document), ended["store"])


def test_the_daemon_is_killed(context):
    """Nobody stays behind, and the next one runs it anew."""
    told = context.directory("apart")
    hold = os.path.join(told, "hold")
    os.mkfifo(hold)
    daemon = daemon_of(context, told, APART_WORKERS="2")
    number = daemon.submit({**apart(), **PROCESSES})["id"]
    with open(hold, encoding="ascii") as file:
        file.readline()
    workers = [w["pid"] for w in daemon.workers()]
    os.unlink(hold)
    daemon.kill()
    check(all(harness.await_exit(pid) for pid in workers), "one stays behind")
    daemon.start()
    harness.same_store(serial_store(context, apart()), daemon.await_end(number)["store"])


# ---- helpers in the midst of a task ----

GOES_ON, FAILS, NEVER_ENDS = 0, 1, 3  # apart.Midst


def in_the_midst(context, deed, beside=0, **more):
    """(daemon, number of a job, directory): a helper is in a task of its own, which goes on to do `deed` once those
    with the numbers 1 ... `beside` are through."""
    told = context.directory("apart")
    daemon = daemon_of(context, told, APART_WORKERS="2")
    document = {**apart({"m": "apart.Midst", "keeper": "apart.Keeper"}, **more), "inputs": {"m__deed": deed, "m__beside": beside}}
    number = daemon.submit({**document, **PROCESSES})["id"]
    harness.await_true(lambda: os.path.exists(os.path.join(told, "by-helper")), "no helper is in the midst")
    return daemon, number, told


def died_of(daemon, number):
    equal(daemon.await_end(number)["state"], "failed", "how it ended")
    return daemon.request("GET", f"/v1/jobs/{number}/members", status=200).json["members"][0]["reason"]


def test_a_task_of_a_helper_that_fails(context):
    daemon, number, _ = in_the_midst(context, FAILS)
    reason = died_of(daemon, number)
    check(re.search(r"process 'm' \(apart.Midst\), run_step of step \d+: asked to fail", reason), reason)
    equal(sum("is finalized" in line for line in lines(daemon, number)), 4, "processes that were finalized")
    check_all_are_free(daemon)


def test_a_task_of_a_helper_that_never_ends(context):
    daemon, number, _ = in_the_midst(context, NEVER_ENDS, member_timeout=1)
    reason = died_of(daemon, number)
    check(re.search(r"ran longer than its limit of 1 s, in process 'm' \(apart.Midst\), run_step of step \d+", reason), reason)


def test_a_task_of_a_helper_that_never_ends_is_cancelled(context):
    daemon, number, _ = in_the_midst(context, NEVER_ENDS)
    daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)
    equal(daemon.await_end(number)["state"], "cancelled", "how it ended")
    check_all_are_free(daemon)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return file.read()


def test_a_helper_that_is_stopped_for_a_while(context):
    """The member waits for it, and is none the worse."""
    daemon, number, told = in_the_midst(context, GOES_ON, beside=1)
    helper = next(w["pid"] for w in daemon.workers() if not os.path.exists(os.path.join(told, f"lead.{w['pid']}")))
    os.kill(helper, signal.SIGSTOP)
    harness.await_true(lambda: "\nState:\tT" in status_of(helper), "it does not stop")
    with open(os.path.join(told, "through.1"), "w", encoding="ascii"):
        pass
    other = daemon.submit(model({"n": "apart.Counts"}, {}, 3))["id"]
    equal(daemon.job(number)["state"], "running", "while it stands")
    os.kill(helper, signal.SIGCONT)
    ended = daemon.await_end(number)
    equal((ended["state"], ended["done"]), ("succeeded", 1), f"how it ended: {ended}")
    equal(daemon.await_end(other)["state"], "succeeded", "who waited")
    document = {**apart({"m": "apart.Midst", "keeper": "apart.Keeper"}), "inputs": {"m__deed": GOES_ON, "m__beside": 1}}
    harness.same_store(serial_store(context, document), ended["store"])
    check_all_are_free(daemon)


def test_a_helper_without_the_library(context):
    """It declines, and the lead goes on alone."""
    told = context.directory("apart")
    os.mkfifo(os.path.join(told, "wait"))
    daemon = daemon_of(context, told)
    document = apart({"waits": "apart.Waits"})
    for pid in (w["pid"] for w in daemon.workers()):
        os.kill(pid, signal.SIGSTOP)  # until the library is gone
    number = daemon.submit({**document, **PROCESSES})["id"]
    harness.await_true(lambda: any(w.get("job") == number for w in daemon.workers()), "nobody has it")
    lead = next(w["pid"] for w in daemon.workers() if w.get("job") == number)
    helper = next(w["pid"] for w in daemon.workers() if w.get("job") != number)
    os.kill(lead, signal.SIGCONT)
    with open(os.path.join(told, "wait"), "w", encoding="ascii"):  # its lead stands in a step
        for folder, _, names in os.walk(daemon.state):
            for name in names:
                if name == "apart.so":
                    os.unlink(os.path.join(folder, name))
        os.kill(helper, signal.SIGCONT)
        harness.await_true(lambda: all(w.get("job") != number for w in daemon.workers() if w["pid"] == helper), "it does not decline")
    ended = daemon.await_end(number)
    equal((ended["state"], ended["done"]), ("succeeded", 1), f"how it ended: {ended}")
    check(not was_helped(told), "somebody helped")
    harness.same_store(serial_store(context, document), ended["store"])


if __name__ == "__main__":
    harness.main(globals())
