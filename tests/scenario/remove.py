#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs are removed: with their stores, their checkpoints and all that the daemon knows of them, in whatever order it is
killed; what is another's stays, and what still needs them is told."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal


def job(**more):
    return {"model": {"processes": {"grid": "reference.UniformGrid1D", "init": "reference.InitUGauss",
                                    "u": "reference.ProfileU", "advect": "reference.AdvectionLax"}},
            "clocks": {"time": {"data": {"linspace": [0.0, 1.0, 11]}}}, "main_clock": "time",
            "inputs": {"grid__spacing": 0.01, "grid__length": 1.5, "init__loc": 0.3, "init__scale": 0.1,
                       "advect__v": 1.0}, "outputs": {"u__u": "time"}, **more}


class Setting:
    def __init__(self, context, **more):
        self.context = context
        self.daemon = context.daemon(workers=1, **more)

    def ended(self, **more):
        """A job that has ended, and whose locks are gone."""
        told = self.daemon.finish(job(**more))
        self.daemon.await_gone(told["store"] + ".sync")
        return told

    def simlab(self, *arguments, code=0):
        ended = self.context.run("simlab", *arguments, "--server", self.daemon.server, "--token", self.daemon.token)
        equal(ended.returncode, code, f"simlab {arguments}: {ended.stdout}{ended.stderr}")
        return ended

    def delete(self, number, status, query=""):
        path = f"/v1/jobs/{number}{query}"
        while status != 503 and self.daemon.request("DELETE", path).status == 503:
            pass  # each answer is a turn, in one of which its locks are gone
        return self.daemon.request("DELETE", path, status=status).json

    def await_removed(self, number):
        self.daemon.await_line(f"job {number} is removed")
        self.daemon.request("GET", f"/v1/jobs/{number}", status=404)


def numbers(daemon):
    return [j["id"] for j in daemon.request("GET", "/v1/jobs", status=200).json["jobs"]]


def test_with_all_that_it_left(context):
    s = Setting(context)
    gone, stays = s.ended(), s.ended()
    before = harness.files_of(stays["store"])
    check(os.listdir(os.path.join(s.daemon.state, "checksums")).count(gone["id"]) == 1, "checksums are kept")
    told = s.delete(gone["id"], 202)
    check(told["removing"] and told["state"] == "succeeded", f"{told}")
    s.await_removed(gone["id"])
    check(not os.path.exists(gone["store"]), "the store is gone")
    equal(os.listdir(os.path.join(s.daemon.state, "checksums")), [stays["id"]], "checksums that are kept")
    equal(numbers(s.daemon), [stays["id"]], "jobs")
    equal(harness.files_of(stays["store"]), before, "another's store")
    for path in ("", "/members", "/events", "/document", "/ranges"):
        s.daemon.request("GET", f"/v1/jobs/{gone['id']}{path}", status=404)
    check("there is no job" in s.delete(gone["id"], 404)["detail"], "twice")
    again = s.daemon.finish(job())
    equal(int(again["id"]), int(stays["id"]) + 1, "numbers are not used again")


def test_by_the_client(context):
    """At once after its end, several, one that stays."""
    s = Setting(context)
    told = [s.daemon.finish(job()) for _ in range(3)]
    s.simlab("rm", told[0]["id"], told[1]["id"])
    s.simlab("rm", "--keep-store", told[2]["id"])
    for t in told:
        s.await_removed(t["id"])
    equal([os.path.exists(t["store"]) for t in told], [False, False, True], "stores")
    equal(harness.same_store(told[2]["store"], context.run_local(job())[0]), None, "it is whole")
    check("there is no job 77" in s.simlab("rm", "77", code=2).stderr, "what is not there")


def test_what_has_not_ended(context):
    s = Setting(context)
    number = s.daemon.submit(job(hold=True))["id"]
    refused = s.delete(number, 409)
    check("queued: cancel it first" in refused["detail"], f"{refused}")
    s.daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)
    s.simlab("rm", number)
    s.await_removed(number)
    check("?store=drop" in s.delete(number, 422, "?store=drop")["detail"], "what it may say")


def test_checkpoints_that_others_start_from(context):
    s = Setting(context)
    parent = s.ended(checkpoint={"keep": [5]})
    kept = parent["store"] + ".checkpoints"
    check(os.path.isdir(kept), "a checkpoint is kept")
    branch = job(**{"from": {"job": int(parent["id"]), "step": 5}}, hold=True)
    child = s.daemon.submit(branch)["id"]
    refused = s.delete(parent["id"], 409)
    check(f"job {child}, which is queued, starts from its checkpoints" in refused["detail"], f"{refused}")
    s.daemon.request("POST", f"/v1/jobs/{child}/release", status=200)
    equal(s.daemon.await_end(child)["state"], "succeeded", "it starts from it")
    s.delete(parent["id"], 202)
    s.await_removed(parent["id"])
    check(not os.path.exists(kept), "checkpoints are gone")
    s.daemon.request("POST", "/v1/jobs", branch, status=422)


def test_what_another_made_stays(context):
    """In the store's place: it is said, others are removed meanwhile, and it is tried again at the next start."""
    s = Setting(context)
    other, aside, plain, last = s.ended(name="other"), s.ended(), s.ended(), s.ended()
    shutil.rmtree(aside["store"])
    made, _ = context.run_local({**job(), "inputs": {"grid__spacing": 0.01, "grid__length": 1.5},
                                 "model": {"processes": {"grid": "reference.UniformGrid1D"}},
                                 "outputs": {"grid__x": None}})
    shutil.copytree(made, aside["store"])
    shutil.rmtree(plain["store"])
    os.mkdir(plain["store"])
    with open(os.path.join(plain["store"], "thesis.tex"), "w", encoding="utf-8") as file:
        file.write("mine\n")
    for told in (aside, plain, last):
        s.delete(told["id"], 202)
    s.daemon.await_line(f"job {aside['id']} cannot be removed: .*made by another")
    s.daemon.await_line(f"job {plain['id']} cannot be removed: .*no store")
    s.await_removed(last["id"])
    check(os.path.exists(os.path.join(plain["store"], "thesis.tex")), "it is there")
    check(s.daemon.job(aside["id"])["removing"], "it is tried again")
    shutil.rmtree(aside["store"])
    shutil.rmtree(plain["store"])
    s.daemon.stop()
    s.daemon.start()
    s.await_removed(aside["id"])
    s.await_removed(plain["id"])
    equal(numbers(s.daemon), [other["id"]], "jobs")


def test_a_damaged_store(context):
    s = Setting(context)
    told = s.ended()
    with open(os.path.join(told["store"], ".zgroup"), "w", encoding="utf-8") as file:
        file.write("{")
    s.delete(told["id"], 202)
    s.await_removed(told["id"])
    check(not os.path.exists(told["store"]), "it is gone")


def test_a_link_is_not_followed(context):
    s = Setting(context)
    told = s.ended()
    elsewhere = context.path("elsewhere")
    shutil.move(told["store"], elsewhere)
    before = harness.files_of(elsewhere)
    os.symlink(elsewhere, told["store"])
    s.delete(told["id"], 202)
    s.daemon.await_line(f"job {told['id']} (is removed|cannot be removed)")
    equal(harness.files_of(elsewhere), before, "what a link leads to")


def test_a_daemon_that_is_killed(context):
    """Between the acknowledgement and the end, and in the middle of a store: it goes on."""
    s = Setting(context)
    told = [s.ended() for _ in range(4)]
    for t in told:
        s.delete(t["id"], 202)
    s.daemon.kill()
    left = [t for t in told if os.path.exists(t["store"])]
    for t in left[:1]:
        os.unlink(os.path.join(t["store"], ".zmetadata"))
        shutil.rmtree(os.path.join(t["store"], "u__u"))
    s.daemon.start()
    end = s.daemon.finish(job())
    for t in told:
        if s.daemon.request("GET", f"/v1/jobs/{t['id']}").status != 404:
            s.daemon.await_line(f"job {t['id']} is removed")
        check(not os.path.exists(t["store"]), "it is gone")
    equal(numbers(s.daemon), [end["id"]], "jobs")


def test_retried_no_more(context):
    """While it is being removed: what keeps it is a store that is another's."""
    s = Setting(context)
    told = s.ended()
    os.unlink(os.path.join(told["store"], ".zgroup"))
    s.delete(told["id"], 202)
    s.daemon.await_line(f"job {told['id']} cannot be removed")
    refused = s.daemon.request("POST", f"/v1/jobs/{told['id']}/retry", {"repairs": True}, status=409).json
    check("is being removed" in refused["detail"], f"{refused}")
    equal(s.delete(told["id"], 202)["removing"], True, "again")


if __name__ == "__main__":
    harness.main(globals())
