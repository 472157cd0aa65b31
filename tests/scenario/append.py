#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Members are appended to an open batch, while it runs and after it has ended: the store is, byte for
byte, that of one run with the same document, whoever computed it, and when (daemon/README.md,
invariant 2)."""
import json
import os
import signal
import sys
import threading
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

import numpy as np  # pylint: disable=wrong-import-position

SIZES, GROWS = (4, 7, 2), (0, 1)
NEVER_ENDS = 6


def inputs(first, count, faults=()):
    """Of members [first, first + count): sizes differ, and change in time."""
    members = range(first, first + count)
    return {"m__fault": [1 if m in faults else 0 for m in members], "m__size": [SIZES[m % 3] for m in members],
            "m__grows": [GROWS[m % 2] for m in members]}


def job(count, faults=(), work=0, **more):
    return {"model": {"processes": {"m": "varied.Member"}}, "main_clock": "time", "batch_dim": "b", "open": 50,
            "clocks": {"time": {"data": [0, 1, 2, 3, 4]}, "last": {"data": [4]}},
            "inputs": {**{name: {"dims": ["b"], "data": data} for name, data in inputs(0, count, faults).items()},
                       "m__work": work},
            "outputs": {"m__value": "time", "m__vector": "time", "m__grid": "last", "m__label": None, "m__drawn": None},
            "coords": {"b": {"dims": ["b"], "data": [10 * m for m in range(count)]}},
            "encoding": {"m__value": {"chunks": [7, 2]}, "m__vector": {"chunks": [16, 2, 3]}},
            "max_attempts": 1, **more}


def part(first, count, faults=()):
    return {"inputs": inputs(first, count, faults), "coords": {"b": [10 * m for m in range(first, first + count)]}}


class Setting:
    def __init__(self, context, workers=2):
        self.context = context
        self.cure = os.environ["SIMLAB_TEST_CURE"] = context.path("cure")
        self.options = ["--processes", context.program("varied")]
        self.daemon = context.daemon(workers=workers, options=self.options)

    def open(self, document):
        """Without what is appended to it."""
        return self.daemon.submit({key: value for key, value in document.items() if key != "appended"})["id"]

    def append(self, number, added, status=201, **headers):
        """As clients do: asked again while the job is being closed."""
        answer = None

        def is_answered():
            nonlocal answer
            answer = self.daemon.request("POST", f"/v1/jobs/{number}/members", added, headers)
            return answer.status != 503

        harness.await_true(is_answered, "its store is being closed for ever")
        equal(answer.status, status, answer)
        return answer.json

    def end(self, number, members, dead=0):
        ended = self.daemon.await_end(number)
        equal((ended["state"], ended["members"], ended["done"], ended["dead"]),
              ("partial" if dead else "succeeded", members, members - dead, dead), f"{ended}\n{self.daemon.log()}")
        self.daemon.await_gone(ended["store"] + ".sync")
        return ended

    def compare(self, ended, document, code=0):
        """With one run of the document; and that is what the daemon has."""
        equal(self.daemon.request("GET", f"/v1/jobs/{ended['id']}/document", status=200).json["appended"], document["appended"],
              "what was appended")
        harness.same_store(ended["store"], self.context.run_local(document, code, self.options)[0])

    def simlab(self, *arguments, code=0):
        ended = self.context.run("simlab", *arguments, "--server", self.daemon.server, "--token", self.daemon.token)
        equal(ended.returncode, code, f"simlab {arguments}: {ended.stdout}{ended.stderr}")
        return ended


def test_a_batch_that_has_ended_goes_on(context):
    s = Setting(context)
    document = job(20, appended=[part(20, 13), part(33, 1), part(34, 40)])
    number = s.open(document)
    s.end(number, 20)
    for added, first, members in zip(document["appended"], (20, 33, 34), (33, 34, 74)):
        equal(s.append(number, added), {"job": number, "first": first, "members": members - first}, "answer")
        ended = s.end(number, members)
    s.compare(ended, document)
    kinds = [kind for _, kind, _ in s.daemon.events(number) if kind != "progress"]
    equal(kinds, ["queued", "running", "appended", "appended", "appended", "succeeded"], "events")


def runs_on(context, workers, **more):
    s = Setting(context, workers)
    document = job(9, work=600, appended=[part(9, 4), part(13, 30), part(43, 1), part(44, 20)], **more)
    number = s.open(document)
    s.append(number, document["appended"][0])
    for k, added in enumerate(document["appended"][1:]):  # the layout is known, and nothing else is new
        harness.await_true(lambda most=3 * k: s.daemon.job(number)["done"] > most, "members that are done")
        s.append(number, added)
    s.compare(s.end(number, 64), document)
    check("was given members" not in s.daemon.whole_log(), f"a worker was not told of them: {s.daemon.log()}")


def test_a_batch_that_runs_by_one_worker(context):
    runs_on(context, 1)


def test_a_batch_that_runs_by_four_workers(context):
    runs_on(context, 4)


def test_a_batch_that_runs_by_threads(context):
    runs_on(context, 2, scheduler="threads")


def test_the_dead_stay_dead_until_they_are_retried(context):
    s = Setting(context)
    document = job(10, faults=(3,), appended=[part(10, 10, faults=(15,))])
    number = s.open(document)
    s.end(number, 10, dead=1)
    s.append(number, document["appended"][0])
    ended = s.end(number, 20, dead=2)
    found = s.simlab("members", number, "--dead", "--where", "m__fault > 0", "--json").stdout
    equal([m["member"] for m in json.loads(found)["members"]], [3, 15], "members by a value that was appended")
    s.compare(ended, document, 1)
    with open(s.cure, "w", encoding="utf-8"):
        pass
    s.simlab("retry", str(number))
    ended = s.end(number, 20)
    s.compare(ended, document)


def test_what_is_damaged_is_computed_again(context):
    """Outputs and inputs, of members that the batch began with, and of those that were appended."""
    s = Setting(context)
    document = job(10, appended=[part(10, 10)])
    number = s.open(document)
    s.end(number, 10)
    s.append(number, document["appended"][0])
    store = s.end(number, 20)["store"]
    s.simlab("verify", number)
    for name in ("m__size/0", "b/0", "m__value/2.0", "m__vector/0.0.0"):
        os.remove(os.path.join(store, name))
    s.simlab("verify", number, code=1)
    s.simlab("retry", "--damaged", number)
    s.compare(s.end(number, 20), document)


class Reader(threading.Thread):
    """xarray in a loop: no error, no warning, and what it sees only grows."""

    def __init__(self, store):
        super().__init__()
        self.store, self.ends, self.fault, self.seen = store, threading.Event(), None, set()

    def look(self):
        import xarray  # pylint: disable=import-outside-toplevel
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with xarray.open_zarr(self.store, consolidated=True) as opened:
                n = opened.sizes["b"]
                check(n >= max(self.seen, default=0), f"{n} members after {self.seen}")
                equal(list(opened["b"].values), [10 * m for m in range(n)], "labels")
                equal(list(opened["m__size"].values), [SIZES[m % 3] for m in range(n)], "inputs")
                opened["m__value"].load()
                self.seen.add(n)

    def run(self):
        while not self.ends.is_set() and not self.fault:
            try:
                if os.path.exists(os.path.join(self.store, ".zmetadata")):
                    self.look()
            except Exception as error:  # pylint: disable=broad-except
                self.fault = f"{type(error).__name__}: {error}"

    def end(self):
        self.ends.set()
        self.join()
        check(not self.fault, self.fault)


def test_while_all_is_killed(context):
    """Each append is sent again with its key until it is answered; workers and daemon are killed between."""
    s = Setting(context)
    document = job(9, work=300, max_attempts=1000, appended=[part(9 + 6 * k, 6) for k in range(8)])
    number = s.open(document)
    reader = Reader(s.daemon.job(number)["store"])
    reader.start()
    for k, added in enumerate(document["appended"]):
        s.append(number, added, **{"Idempotency-Key": f"part-{k}"})
        for worker in s.daemon.workers() if k % 2 == 0 else ():
            os.kill(worker["pid"], signal.SIGKILL)
        if k % 3 == 1:
            s.daemon.kill()
            s.daemon.start()
        again = s.append(number, added, 200, **{"Idempotency-Key": f"part-{k}"})
        equal(again, {"job": number, "first": 9 + 6 * k, "members": 6}, "what was appended before")
    ended = s.end(number, 57)
    reader.look()
    reader.end()
    equal(max(reader.seen), 57, "members that a reader saw")
    s.compare(ended, document)


def test_tables_and_arrays(context):
    s = Setting(context)
    document = job(4)
    del document["coords"]
    document["appended"] = [{"inputs": inputs(4, 3)}, {"inputs": inputs(7, 5)}, {"inputs": inputs(12, 2)}]
    size = context.path("size.npy")
    np.save(size, np.array(inputs(0, 4)["m__size"]))
    with open(size, "rb") as file:
        octets = {"Content-Type": "application/octet-stream"}
        upload = s.daemon.request("POST", "/v1/uploads", file.read(), octets, status=201).json["id"]
    uploaded = {**document["inputs"], "m__size": {"dims": ["b"], "upload": upload}}
    number = s.open({**document, "inputs": uploaded})
    s.end(number, 4)
    table = inputs(4, 3)
    csv, more = context.path("more.csv"), context.path("more.json")
    with open(csv, "w", encoding="utf-8") as file:
        file.write("m__fault, \"m__size\",m__grows\r\n")
        file.writelines(f"{a},{b}, {c}\r\n" for a, b, c in zip(*table.values()))
    equal(s.simlab("append", number, csv).stdout, "4 7\n", "what append says")
    s.end(number, 7)
    operands = []
    for name, values in inputs(7, 5).items():
        path = context.path(f"{name}.npy")
        np.save(path, np.array(values))
        operands.append(f"{name}={path}")
    equal(s.simlab("append", number, *operands).stdout, "7 12\n", "what append says")
    s.end(number, 12)
    with open(more, "w", encoding="utf-8") as file:
        json.dump(document["appended"][2], file)
    s.simlab("append", number, more, "--json")
    ended = s.end(number, 14)
    harness.same_store(ended["store"], context.run_local(document, 0, s.options)[0])


def test_many_that_are_long(context):
    """Longer than what the database holds itself."""
    s = Setting(context)
    document = job(5, appended=[part(5, 4000)], open=True)
    document.update(outputs={"m__value": "time"}, encoding={})
    number = s.open(document)
    s.end(number, 5)
    s.append(number, document["appended"][0])
    s.daemon.kill()
    s.daemon.start()
    s.compare(s.end(number, 4005), document)
    check(os.listdir(os.path.join(s.daemon.state, "texts")), "no long text was written")


def refused(s, number, added, status, words, pointer=None):
    answer = s.daemon.request("POST", f"/v1/jobs/{number}/members", added)
    equal(answer.status, status, answer)
    check(words in answer.json["detail"], f"no {words!r} in {answer}")
    if pointer:
        equal(answer.json["errors"][0]["pointer"] if "errors" in answer.json else answer.json["pointer"], pointer, answer)


def test_what_is_refused(context):
    s = Setting(context)
    number = s.open(job(6))
    s.end(number, 6)
    good = part(6, 2)
    for change, words, pointer in (
            ({"m__size": None}, "needs a value for each", "/inputs/m__size"),
            ({"m__size": [1, 2, 3]}, "values for 3 members", "/inputs/m__size"),
            ({"m__size": [[1], [2]]}, "2 dimensions", "/inputs/m__size"),
            ({"m__size": ["a", "b"]}, "", "/inputs/m__size/0"),
            ({"m__work": [1, 2]}, "does not vary by member", "/inputs/m__work"),
            ({"m__sise": [1, 2]}, "did you mean m__size", "/inputs/m__sise")):
        changed = {name: values for name, values in {**good["inputs"], **change}.items() if values is not None}
        refused(s, number, {**good, "inputs": changed}, 422, words, pointer)
    refused(s, number, {"inputs": good["inputs"]}, 422, "needs a value", "/coords/b")
    refused(s, number, {**good, "more": 1}, 422, "more")
    refused(s, number, [], 422, "object")
    s.append(number, good, **{"Idempotency-Key": "k"})
    equal(s.append(number, part(8, 3), 409, **{"Idempotency-Key": "k"})["status"], 409, "another body")
    s.end(number, 8)
    s.simlab("close", number)
    check(not s.daemon.job(number)["open"], "it is still open")
    refused(s, number, part(8, 1), 409, "not open")
    shut = s.daemon.finish({**job(3), "open": False})
    refused(s, shut["id"], part(3, 1), 409, "\"open\": true")
    one = {**job(1), "open": True}
    del one["batch_dim"]
    equal(s.daemon.request("POST", "/v1/jobs", one).status, 422, "one simulation is open")


def test_readers_see_them_while_they_run(context):
    s = Setting(context, workers=1)
    number = s.open(job(5, work=0))
    store = s.end(number, 5)["store"]
    added = part(5, 3)
    added["inputs"]["m__fault"] = [0, 0, NEVER_ENDS]
    s.append(number, added)
    reader = Reader(store)

    def grown():
        reader.look()
        return 8 in reader.seen
    harness.await_true(grown, "the new members in the store")
    equal(s.daemon.job(number)["state"], "running", "state")
    s.daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)


def test_one_that_is_based_on_a_grown_one(context):
    """It has all of its members, and gets more."""
    s = Setting(context)
    document = job(6, appended=[part(6, 3), part(9, 4)])
    number = s.open(document)
    s.append(number, document["appended"][0])
    s.end(number, 9)
    based = s.open({"base": int(number)})
    s.end(based, 9)
    s.append(based, document["appended"][1])
    s.compare(s.end(based, 13), document)


def test_they_start_from_one_checkpoint(context):
    """All from the same: there is none of their own number."""
    s = Setting(context)
    keeps = job(1, checkpoint={"keep": 2}, open=False)
    del keeps["encoding"]
    kept = s.daemon.finish(keeps)
    document = job(4, appended=[part(4, 3)], **{"from": {"job": int(kept["id"]), "step": 2, "member": 0}})
    number = s.open(document)
    s.append(number, document["appended"][0])
    s.end(number, 7)
    each = {**document, "from": {**document["from"], "member": "each"}, "appended": []}
    answer = s.daemon.request("POST", "/v1/jobs", each)
    equal((answer.status, answer.json["pointer"]), (422, "/from/member"), answer)


def test_together_they_are_too_many(context):
    """Each alone would be taken; together they are more than a job's arrays may have."""
    s = Setting(context)
    document = {**job(1, open=True), "hold": True}
    del document["coords"]
    number = s.open(document)
    million = 2 * 10 ** 7  # of members, 24 bytes each
    many = {"inputs": {name: {"linspace": [0, 0, million]} for name in inputs(0, 1)}}
    s.append(number, many)
    s.append(number, many)
    refused(s, number, many, 422, "as many as it can have")


def test_cancelled_ones_are_retried_first(context):
    s = Setting(context, workers=1)
    document = job(6, work=200000, appended=[part(6, 2)])
    number = s.open(document)
    s.daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)
    s.daemon.await_end(number)
    refused(s, number, document["appended"][0], 409, "once it was retried")


if __name__ == "__main__":
    harness.main(globals())
