#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs are found by what they are, and waited for by one request."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal


def job(**more):
    return {"model": {"processes": {"grid": "reference.UniformGrid1D"}}, "clocks": {"time": [0, 1]},
            "inputs": {"grid__spacing": 0.5, "grid__length": 1.5}, "outputs": {"grid__x": None}, **more}


def found(daemon, query):
    return [j["id"] for j in daemon.request("GET", f"/v1/jobs?{query}", status=200).json["jobs"]]


def test_by_name_label_and_time(context):
    daemon = context.daemon(workers=0)
    daemon.submit(job(name="a", labels={"site": "alps", "run": "1"}))
    daemon.submit(job(name="a"))
    daemon.submit(job(name="b", labels={"site": "andes"}))
    created = daemon.job("2")["created"]
    equal(found(daemon, "name=a"), ["2", "1"], "name")
    equal(found(daemon, "label=site"), ["3", "1"], "a key")
    equal(found(daemon, "label=site%3Dalps"), ["1"], "a key with a value")
    equal(found(daemon, "label=sit"), [], "half a key")
    equal(found(daemon, "name=a&label=run&state=queued"), ["1"], "all of them")
    equal(found(daemon, "state=running"), [], "state")
    equal(found(daemon, f"since={created}"), ["3", "2"], "since then")
    equal(found(daemon, "since=2100-01-01"), [], "what is to come")
    equal(found(daemon, "since=1970-01-01"), ["3", "2", "1"], "all")
    for wrong in ("since=yesterday", "since=2026-02-30", "state=done", "label=a&since="):
        daemon.request("GET", f"/v1/jobs?{wrong}", status=422)
    listed = context.run("simlab", "jobs", "--label", "site=andes", "--server", daemon.server, "--token", daemon.token)
    equal([line.split()[0] for line in listed.stdout.splitlines()[1:]], ["3"], f"{listed}")


def test_among_many(context):
    """A page that finds nothing goes on; none looks at all of them at once."""
    daemon = context.daemon(workers=0)
    daemon.submit(job(name="first"))
    for _ in range(2100):
        daemon.submit(job())
    page = daemon.request("GET", "/v1/jobs?name=first", status=200).json
    equal(page["jobs"], [], "on the first page")
    page = daemon.request("GET", f"/v1/jobs?name=first&before={page['next']}", status=200).json
    equal([j["id"] for j in page["jobs"]], ["1"], "on the next")
    check("next" not in page, "that is all")
    listed = context.run("simlab", "jobs", "--name", "first", "--server", daemon.server, "--token", daemon.token)
    equal([line.split()[0] for line in listed.stdout.splitlines()[1:]], ["1"], f"{listed}")


class Asked:
    """A request that is answered later."""

    def __init__(self, daemon, path):
        self.answer = None
        self.thread = threading.Thread(target=self.ask, args=(daemon, path))
        self.thread.start()

    def ask(self, daemon, path):
        self.answer = daemon.request("GET", path)

    def end(self):
        self.thread.join()
        return self.answer


def test_waited_for(context):
    daemon = context.daemon(workers=1)
    held = daemon.submit(job(hold=True))["id"]
    cancelled = daemon.submit(job(hold=True))["id"]
    waits = [Asked(daemon, f"/v1/jobs/{held}?wait=600") for _ in range(5)]
    other = Asked(daemon, f"/v1/jobs/{cancelled}?wait=600")
    now = daemon.request("GET", f"/v1/jobs/{held}?wait=0", status=200).json
    equal(now["state"], "queued", "who does not wait")
    equal(daemon.request("GET", f"/v1/jobs/{held}?wait=1", status=200).json["state"], "queued", "when the time is over")
    check(all(w.answer is None for w in waits), "they wait")
    daemon.request("POST", f"/v1/jobs/{held}/release", status=200)
    equal([w.end().json["state"] for w in waits], ["succeeded"] * 5, "its end")
    check(other.answer is None, "another's end")
    daemon.request("POST", f"/v1/jobs/{cancelled}/cancel", status=200)
    equal(other.end().json["state"], "cancelled", "by whatever end")
    equal(daemon.request("GET", f"/v1/jobs/{held}?wait=600", status=200).json["state"], "succeeded", "it has ended")
    daemon.request("GET", "/v1/jobs/77?wait=600", status=404)
    for wrong in ("601", "-1", "soon", ""):
        daemon.request("GET", f"/v1/jobs/{held}?wait={wrong}", status=422)


def test_the_daemon_stops_meanwhile(context):
    daemon = context.daemon(workers=0)
    number = daemon.submit(job())["id"]
    wait = harness.connection(daemon.server)
    wait.request("GET", f"/v1/jobs/{number}?wait=600")
    daemon.request("GET", "/healthz", status=200)  # it was sent before, and so it was taken before
    daemon.stop()
    equal(wait.getresponse().status, 503, "what it is told")


def log_of(daemon, number, query=""):
    return daemon.request("GET", f"/v1/jobs/{number}/log{query}", status=200).json


def logging_job():
    """Members 0 and 7 log a line in each of two steps."""
    return {"model": {"processes": {"p": "beside.Beside"}}, "batch_dim": "b", "main_clock": "time",
            "clocks": {"time": {"data": [0, 1, 2]}}, "inputs": {"p__n": {"dims": ["b"], "data": [1] * 8}},
            "outputs": {"p__value": None}}


def test_what_was_logged(context):
    """By all members, by one, by pages, of a job that has ended, and as it comes."""
    daemon = context.daemon(workers=2, options=["--processes", context.program("beside")])
    number = daemon.finish(logging_job())["id"]
    told = [(data["member"], data["line"]) for _, kind, data in daemon.events(number, 0) if kind == "log"]
    equal(sorted(m for m, _ in told), [0, 0, 7, 7], "members")
    lines = log_of(daemon, number)["lines"]
    equal([(l["member"], l["line"]) for l in lines], told, "lines")
    check(all(l["time"].endswith("Z") for l in lines), f"{lines}")
    member = told[-1][0]
    equal([l["line"] for l in log_of(daemon, number, f"?member={member}")["lines"]],
          [line for m, line in told if m == member], "of one")
    seen, after = [], 0
    while after is not None:
        page = log_of(daemon, number, f"?limit=1&after={after}")
        seen += [(l["member"], l["line"]) for l in page["lines"]]
        after = page.get("next")
    equal(seen, told, "by pages")
    want = [f"{m}: {line}" for m, line in told]
    for more in ((), ("--follow",)):
        shown = context.run("simlab", "log", number, *more, "--server", daemon.server, "--token", daemon.token)
        equal(shown.stdout.splitlines(), want, f"simlab log {more}: {shown}")
    shown = context.run("simlab", "log", number, "-f", "--member", str(member), "--server", daemon.server, "--token",
                        daemon.token)
    equal(shown.stdout.splitlines(), [w for w in want if w.startswith(f"{member}: ")], f"{shown}")
    daemon.request("GET", "/v1/jobs/77/log", status=404)
    daemon.request("GET", f"/v1/jobs/{number}/log?after=x", status=422)


if __name__ == "__main__":
    harness.main(globals())
