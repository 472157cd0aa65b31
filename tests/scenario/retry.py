#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A job that has ended is retried: what is dead or missing of it runs again, and only that, into the
same store, which then equals that of an undisturbed run (daemon/README.md, invariant 2). What kept
members from ending well is away by then: a file that tests/lib/varied.c looks for."""
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

FAILS, ABORTS = 1, 2
MEMBERS = 40


def job(faults, members=MEMBERS, work=0, sizes=(4, 7, 2), grows=(0, 1), **more):
    """Members `faults` ({member: fault}) go wrong until they are cured; sizes differ and grow."""
    def each(value):
        return {"dims": ["b"], "data": [value(m) for m in range(members)]}
    return {"model": {"processes": {"m": "varied.Member"}}, "main_clock": "time", "batch_dim": "b",
            "clocks": {"time": {"data": [0, 1, 2, 3, 4]}, "last": {"data": [4]}},
            "inputs": {"m__fault": each(lambda m: faults.get(m, 0)), "m__size": each(lambda m: sizes[m % len(sizes)]),
                       "m__grows": each(lambda m: grows[m % len(grows)]), "m__work": work},
            "outputs": {"m__value": "time", "m__vector": "time", "m__grid": "last", "m__label": None},
            "encoding": {"m__value": {"chunks": [7, 2]}, "m__vector": {"chunks": [16, 2, 3]}},
            "max_attempts": 1, **more}


class Setting:
    def __init__(self, context, workers=2):
        self.context = context
        self.cure = os.environ["SIMLAB_TEST_CURE"] = context.path("cure")
        self.options = ["--processes", context.program("varied")]
        self.daemon = context.daemon(workers=workers, options=self.options)

    def mend(self):
        with open(self.cure, "w", encoding="utf-8"):
            pass

    def simlab(self, *arguments, code=0):
        ended = self.context.run("simlab", *arguments, "--server", self.daemon.server, "--token", self.daemon.token)
        equal(ended.returncode, code, f"simlab {arguments}: {ended.stdout}{ended.stderr}")
        return ended

    def retry(self, number, state="succeeded"):
        self.simlab("retry", str(number))
        ended = self.daemon.await_end(number)
        equal(ended["state"], state, f"state of {ended}\n{self.daemon.log()}")
        return ended

    def undisturbed(self, document):
        self.mend()
        return self.context.run_local(document, 0, self.options)[0]

    def dead(self, number):
        listed = self.daemon.request("GET", f"/v1/jobs/{number}/members", status=200).json["members"]
        return {m["member"]: m["attempts"] for m in listed}

    def kinds(self, number):
        return [kind for _, kind, _ in self.daemon.events(number) if kind != "progress"]


def retried(context, faults, state="partial", **more):
    s = Setting(context)
    document = job(faults, **more)
    ended = s.daemon.finish(document, state)
    number = ended["id"]
    equal(sorted(s.dead(number)), sorted(faults), "members that are dead")
    s.daemon.await_gone(ended["store"] + ".sync")
    s.mend()
    ended = s.retry(number)
    equal((ended["done"], ended["dead"], ended["retries"]), (len(document["inputs"]["m__fault"]["data"]), 0, 1), ended)
    harness.same_store(ended["store"], s.undisturbed(document))
    equal(s.kinds(number), ["queued", "running", "retried", "succeeded"], "events")
    return s, ended


def test_the_dead_run_again(context):
    retried(context, {3: FAILS, 4: ABORTS, 17: FAILS, 39: ABORTS})


def test_whole_chunk_rows_of_dead(context):
    retried(context, {m: FAILS for m in range(6, 30)})


def test_the_last_of_many_sizes(context):
    """The dead one is the largest of all: the arrays grow when it runs."""
    retried(context, {31: FAILS}, sizes=[4] * 31 + [50] + [4] * 8)


def test_the_first_member(context):
    """The layout stays as another decided it: that is the same where sizes are."""
    retried(context, {0: FAILS}, sizes=(4,), grows=(0,))


def test_all_were_dead(context):
    retried(context, {m: FAILS for m in range(5)}, "failed", members=5)


def test_one_simulation(context):
    retried(context, {0: ABORTS}, "failed", members=1)


def test_only_what_is_dead_runs(context):
    """Files of members that were done are not even written again."""
    s = Setting(context, workers=1)
    ended = s.daemon.finish(job({20: FAILS}, encoding={f"m__{name}": {"chunks": [1, 1, 3, 3][:dims]} for name, dims in
                                                        (("value", 2), ("vector", 3), ("grid", 4), ("label", 2))}), "partial")
    def written():
        return {name: os.stat(os.path.join(ended["store"], name)).st_mtime_ns for name in harness.files_of(ended["store"])
                if "/." not in name and name.startswith("m__v")}
    before = written()
    s.mend()
    s.retry(ended["id"])
    after = written()
    check({name for name in after if after[name] != before.get(name)} ==
          {name for name in after if name.split("/")[1].startswith("20.")}, "other chunks were written")


def test_dead_again(context):
    """Each has its attempts again, and what it had before is counted."""
    s = Setting(context)
    document = job({5: FAILS, 9: ABORTS}, max_attempts=2)
    number = s.daemon.finish(document, "partial")["id"]
    equal(s.dead(number), {5: 1, 9: 2}, "attempts")
    s.retry(number, "partial")
    equal(s.dead(number), {5: 2, 9: 4}, "attempts")
    equal(s.retry(number, "partial")["retries"], 2, "retries")
    s.mend()
    harness.same_store(s.retry(number)["store"], s.undisturbed(document))


def test_cancelled_in_the_middle(context):
    s = Setting(context)
    members = 4000
    document = job({}, members=members, work=20, encoding={})
    number = s.daemon.submit(document)["id"]
    s.daemon.await_event(number, lambda kind, data: kind == "progress" and data["done"] > 0)
    s.simlab("cancel", number)
    equal(s.daemon.job(number)["state"], "cancelled", "state")
    ended = s.retry(number)
    equal((ended["done"], ended["retries"]), (members, 1), "members done")
    harness.same_store(ended["store"], s.undisturbed(document))


def test_cancelled_before_it_began(context):
    s = Setting(context, workers=0)
    document = job({})
    number = s.daemon.submit(document)["id"]
    s.simlab("cancel", number)
    s.daemon.stop()
    s.daemon = context.daemon(workers=1, options=s.options, state=s.daemon.state)
    harness.same_store(s.retry(number)["store"], s.undisturbed(document))


def test_killed_while_it_is_retried(context):
    """Worker and daemon, some times."""
    s = Setting(context)
    document = job({m: FAILS for m in range(1, 4000, 40)}, members=4000, work=20, encoding={})
    number = s.daemon.finish(document, "partial")["id"]
    s.mend()
    s.simlab("retry", number)
    before = s.daemon.job(number)["done"]
    for _ in range(3):
        s.daemon.await_event(number, lambda kind, data: kind == "succeeded" or (kind == "progress" and data["done"] > before))
        before = s.daemon.job(number)["done"]
        for worker in s.daemon.workers()[:1]:
            os.kill(worker["pid"], signal.SIGKILL)
        s.daemon.kill()
        s.daemon.start()
    ended = s.daemon.await_end(number)
    equal((ended["state"], ended["done"]), ("succeeded", 4000), s.daemon.log())
    harness.same_store(ended["store"], s.undisturbed(document))


def test_what_is_refused(context):
    s = Setting(context)
    slow = s.daemon.submit(job({}, members=1000, work=20000))["id"]
    s.daemon.await_event(slow, lambda kind, _: kind == "running")
    check("it can be retried once it has ended" in s.simlab("retry", slow, code=2).stderr, "of a job that runs")
    s.simlab("cancel", slow)
    number = s.daemon.finish(job({1: FAILS}), "partial")["id"]
    s.mend()
    s.retry(number)
    check("there is nothing to retry" in s.simlab("retry", number, code=2).stderr, "of one that succeeded")
    s.simlab("retry", "4711", code=2)
    for body, pointer in (({"damaged": [[1, 1]]}, "/damaged"), ({"damaged": [[3, 4], [0, 1]]}, "/damaged"),
                          ({"damaged": [[0, 9999]]}, "/damaged"), ({"damaged": [3]}, "/damaged/0"),
                          ({"damaged": 3}, "/damaged"), ({"repairs": 3}, "/repairs"), ({"more": 3}, "/more"), (3, "")):
        equal(s.daemon.request("POST", f"/v1/jobs/{number}/retry", body, status=422).json["pointer"], pointer, body)


def test_a_store_of_another(context):
    """A failed job gives its store free."""
    s = Setting(context)
    first = s.daemon.finish(job({0: FAILS}, members=1, store="out.zarr"), "failed")
    s.daemon.await_gone(first["store"] + ".sync")
    shutil.rmtree(first["store"])
    os.mkdir(first["store"])
    with open(os.path.join(first["store"], "mine"), "w", encoding="utf-8"):
        pass
    check("is no store" in s.simlab("retry", first["id"], code=2).stderr, "of what is no store")
    shutil.rmtree(first["store"])
    second = s.daemon.finish(job({}, members=3, store="out.zarr"))
    check(f"was given to job {second['id']}" in s.simlab("retry", first["id"], code=2).stderr, "of another's store")
    equal(harness.files_of(first["store"]), harness.files_of(second["store"]), "files")
    check(not os.path.exists(first["store"] + ".sync"), "locks were left")


def test_a_store_that_is_gone(context):
    s = Setting(context)
    ended = s.daemon.finish(job({1: FAILS}), "partial")
    s.daemon.await_gone(ended["store"] + ".sync")
    os.rename(ended["store"], ended["store"] + ".away")
    said = s.simlab("retry", ended["id"], code=2).stderr
    check("is no Zarr group" in said, said)
    os.symlink(ended["store"] + ".away", ended["store"])
    check("link" in s.simlab("retry", ended["id"], code=2).stderr, "a link")
    os.remove(ended["store"])
    os.rename(ended["store"] + ".away", ended["store"])
    s.mend()
    s.retry(ended["id"])


def test_what_was_lost_meanwhile_is_told(context):
    """A chunk is removed that has members who were done, and one that was dead."""
    s = Setting(context)
    ended = s.daemon.finish(job({1: FAILS}), "partial")
    os.remove(os.path.join(ended["store"], "m__grid", "0.0.0.0"))
    s.mend()
    ended = s.retry(ended["id"], "failed")
    check("is lost" in ended["reason"], ended["reason"])


# ---- verify, and what is damaged -----------------------------------------------------------------


def verified(s, number, code=1):
    return s.simlab("verify", "--json", str(number), code=code)


def damage(path, how):
    with open(path, "rb") as file:
        data = file.read()
    os.remove(path)
    if how == "links":
        os.symlink("/etc/passwd", path)
    elif how != "removed":
        data = data[:len(data) // 2] if how == "cut" else data[:-1] + bytes([data[-1] ^ 1])
        with open(path, "wb") as file:
            file.write(data)


FILES = {  # what is damaged, how, and the members that are in it
    "m__value/2.1": ("changed", [14, 21]), "m__value/0.0": ("removed", [0, 7]), "m__vector/1.0.0": ("cut", [16, 32]),
    "m__label/0.0": ("links", [0, MEMBERS]), "m__grid/0.0.0.0": ("changed", [0, MEMBERS]),
    "m__value/.zarray": ("removed", [0, MEMBERS]), "m__vector/.zarray": ("cut", [0, MEMBERS]),
    "m__grid/.zattrs": ("changed", [0, MEMBERS]), "m__value/.zattrs": ("removed", [0, MEMBERS]),
    "time/0": ("changed", None), "m__size/0": ("removed", None), "m__fault/.zarray": ("cut", None),
    "time/.zattrs": ("removed", None), ".zattrs": ("cut", None), ".zgroup": ("removed", None),
    ".zmetadata": ("changed", None)}


def test_what_is_damaged_is_named_and_mended(context):
    """One file after the other, and some at once: named, and computed again to the same bits."""
    s = Setting(context)
    s.mend()
    document = job({2: FAILS}, encoding={"m__value": {"chunks": [7, 2], "compressor": None},
                                         "m__vector": {"chunks": [16, 2, 3], "compressor": None},
                                         "m__grid": {"compressor": None}})
    ended = s.daemon.finish(document)
    number, store = ended["id"], ended["store"]
    undisturbed = s.undisturbed(document)
    s.daemon.await_gone(store + ".sync")
    said = s.simlab("verify", number).stdout
    check(f"all {len(harness.files_of(store))} files of {store} are as they were stored" in said, said)
    for names in [*([name] for name in FILES), list(FILES)[:3], list(FILES)]:
        for name in names:
            damage(os.path.join(store, name), FILES[name][0])
        found = {f["file"]: f for f in harness.json.loads(verified(s, number).stdout)["faults"]}
        for name in names:
            equal(found[name].get("members"), FILES[name][1], f"members of {found[name]}")
        check(set(found) == set(names), f"{sorted(found)} instead of {sorted(names)}")
        said = s.simlab("verify", number, code=1).stderr
        check(all(f"{name} " in said for name in names), said)
        s.simlab("retry", "--damaged", number)
        ended = s.daemon.await_end(number)
        equal((ended["state"], ended["done"]), ("succeeded", MEMBERS), f"{names}: {ended}\n{s.daemon.log()}")
        s.daemon.await_gone(store + ".sync")
        harness.same_store(store, undisturbed)
        verified(s, number, 0)


def test_what_nobody_writes_again_is_mended(context):
    """Chunks after the end of members that stop early: of zeros, where the array has no fill value."""
    s = Setting(context)
    s.mend()
    document = job({}, stop_when={"variable": "m__level", "above": 1}, encoding={
        "m__label": {"chunks": [1, 1, 8], "compressor": None}, "m__value": {"chunks": [4, 1], "compressor": None}})
    document["outputs"]["m__label"] = "time"
    document["inputs"]["m__stops"] = {"dims": ["b"], "data": [1 if m % 3 else 10 ** 6 for m in range(MEMBERS)]}
    ended = s.daemon.finish(document)
    undisturbed = s.undisturbed(document)
    for name, how in (("m__label/13.4.0", "changed"), ("m__label/16.3.0", "cut"), ("m__value/2.4", "changed"),
                      ("m__label/19.4.0", "removed")):
        damage(os.path.join(ended["store"], name), how)
        s.simlab("verify", ended["id"], code=1)
        s.simlab("retry", "--damaged", ended["id"])
        again = s.daemon.await_end(ended["id"])
        equal(again["state"], "succeeded", f"{name}: {again}")
        harness.same_store(ended["store"], undisturbed)
        s.simlab("verify", ended["id"])


def test_what_is_damaged_of_a_partial_job(context):
    """The dead run again, too; and stay dead."""
    s = Setting(context)
    document = job({2: FAILS, 30: FAILS})
    ended = s.daemon.finish(document, "partial")
    os.remove(os.path.join(ended["store"], "m__value/0.0"))
    s.simlab("verify", ended["id"], code=1)
    s.simlab("retry", "--damaged", ended["id"])
    ended = s.daemon.await_end(ended["id"])
    equal((ended["state"], ended["done"], ended["dead"]), ("partial", MEMBERS - 2, 2), ended)
    s.daemon.await_gone(ended["store"] + ".sync")
    s.simlab("verify", ended["id"])
    s.mend()
    harness.same_store(s.retry(ended["id"])["store"], s.undisturbed(document))


def test_what_is_not_the_jobs_is_told(context):
    s = Setting(context)
    ended = s.daemon.finish(job({}))
    s.daemon.await_gone(ended["store"] + ".sync")
    with open(os.path.join(ended["store"], "m__value/90.0"), "w", encoding="utf-8"):
        pass
    found = harness.json.loads(verified(s, ended["id"]).stdout)
    equal([(f["file"], f["foreign"]) for f in found["faults"]], [("m__value/90.0", True)], "faults")


def test_verify_is_refused(context):
    """While a job runs, of a store that is gone, and where the checksums themselves were damaged."""
    s = Setting(context)
    slow = s.daemon.submit(job({}, members=1000, work=20000))["id"]
    check("can be verified once it has ended" in s.simlab("verify", slow, code=2).stderr, "of a job that runs")
    s.simlab("cancel", slow)
    s.simlab("verify", slow, code=2)
    ended = s.daemon.finish(job({}))
    s.daemon.await_gone(ended["store"] + ".sync")
    os.rename(ended["store"], ended["store"] + ".away")
    check("cannot open the store" in s.simlab("verify", ended["id"], code=3).stderr, "of a store that is away")
    os.symlink(ended["store"] + ".away", ended["store"])
    s.simlab("verify", ended["id"], code=3)
    os.remove(ended["store"])
    os.rename(ended["store"] + ".away", ended["store"])
    kept = os.path.join(s.daemon.state, "checksums", ended["id"])
    damage(kept, "changed")
    check("checksums are damaged" in s.simlab("verify", ended["id"], code=3).stderr, "of damaged checksums")
    os.remove(kept)
    check("is not known" in s.simlab("verify", ended["id"], code=2).stderr, "without checksums")


harness.main(globals())
