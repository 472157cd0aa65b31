#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every golden case: locally and through a daemon, from job.json and from setup.json with the model;
the order and inputs of its model; and that what must be refused is refused."""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN


class Shared:
    """One daemon for all cases, started by the first that needs it."""
    context = None
    daemon = None

    @classmethod
    def of(cls, context):
        if not cls.daemon:
            cls.context = harness.Context(context.build, tempfile.mkdtemp(prefix="simlab-golden-"))
            cls.daemon = cls.context.daemon(workers=2)
        return cls.daemon


def job_of(case, form):
    return load(GOLDEN, case, "job.json") if form == "job" else harness.setup_job(case)


def local(case, form):
    def test(context):
        store, _ = context.run_local(job_of(case, form))
        harness.golden_agrees(store, case)
    return test


def through_daemon(case, form):
    def test(context):
        ended = Shared.of(context).finish(job_of(case, form))
        equal(ended["done"], ended["members"], "done members")
        harness.golden_agrees(ended["store"], case)
    return test


def model_of(case):
    """Its inputs, in declaration order, and the order of its processes."""
    def test(context):
        daemon, expected = Shared.of(context), load(GOLDEN, case, "expected.json")
        body = {"processes": load(GOLDEN, case, "job.json")["model"]["processes"]}
        model = daemon.request("POST", "/v1/models", body, status=201).json
        equal(list(model["inputs"]), expected["inputs"], "inputs")
        place = {name: i for i, name in enumerate(model["order"])}
        for process, earlier in expected["process_order_constraints"].items():
            for other in earlier:
                check(place[other] < place[process], f"{other} must run before {process}: {model['order']}")
    return test


def names_the_fault(error, text):
    """The message names process and variable (for a cycle and the like, the processes)."""
    for word in NAMES[error]:
        check(word in text, f"{error}: {word!r} is not named in: {text}")


# What each refusal must name.
NAMES = {
    "ambiguous-foreign": ["grid", "grid2"], "cycle": ["a", "b"], "duplicate-global": ["c1", "c2"],
    "missing-foreign": ["init", "x", "UniformGrid1D"], "missing-global": ["melt", "air_temperature"],
    "missing-input": ["advect", "v"], "out-of-bounds": ["init", "scale"],
    "static-with-time": ["init", "loc"], "two-writers": ["init", "init2", "u"],
    "unknown-clock": ["profile", "u", "never"], "unknown-input": ["advect", "w"],
    "unknown-output": ["profile", "q"], "unsynchronized-clock": ["otime", "0.55"],
    "untransposed-input": ["diffuse_u", "diffusivity"], "wrong-dims": ["advect", "v", "q"],
}


def refused_locally(error):
    def test(context):
        job = load(GOLDEN, "errors", error + ".json")["job"]
        store, ended = context.run_local(job, code=2)
        check(ended.stderr.strip(), "nothing on stderr")
        equal(ended.stdout, "", "stdout")
        names_the_fault(error, ended.stderr)
        left = os.listdir(os.path.dirname(store))
        equal(left, ["job.json"], "files left behind")
    return test


def refused_by_daemon(error):
    def test(context):
        daemon = Shared.of(context)
        before = daemon.request("GET", "/v1/jobs?limit=1", status=200).json["jobs"]
        job = load(GOLDEN, "errors", error + ".json")["job"]
        r = daemon.request("POST", "/v1/jobs", job, status=422)
        equal(r.headers.get_content_type(), "application/problem+json", "media type")
        problem = r.json
        for key in ("type", "title", "status", "detail", "pointer"):
            check(key in problem, f"no {key} in {problem}")
        equal(problem["status"], 422, "status")
        names_the_fault(error, problem["detail"])
        check(points_into(job, problem["pointer"]), f"pointer leads nowhere: {problem}")
        after = daemon.request("GET", "/v1/jobs?limit=1", status=200).json["jobs"]
        equal([j["id"] for j in after], [j["id"] for j in before], "newest job")
    return test


def points_into(document, pointer):
    """Whether a JSON pointer leads to a place in the document; its last part may be what is missing."""
    parts = [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]
    for i, part in enumerate(parts):
        if isinstance(document, list):
            if not part.isdigit() or int(part) >= len(document):
                return False
            document = document[int(part)]
        elif isinstance(document, dict):
            if part not in document:
                return i == len(parts) - 1
            document = document[part]
        else:
            return False
    return True


def daemon_stops(_):
    if Shared.daemon:
        try:
            Shared.daemon.stop()
        finally:
            Shared.context.close()
            shutil.rmtree(Shared.context.root, ignore_errors=True)


def tests():
    cases, errors = harness.golden_cases(), harness.golden_errors()
    check(len(cases) >= 21 and len(errors) >= 15, "golden cases are missing")
    for case in cases:
        for form in ("job", "setup"):
            yield f"local {case} {form}", local(case, form)
    for error in errors:
        yield f"local refuses {error}", refused_locally(error)
    for case in cases:
        yield f"daemon model of {case}", model_of(case)
        for form in ("job", "setup"):
            yield f"daemon {case} {form}", through_daemon(case, form)
    for error in errors:
        yield f"daemon refuses {error}", refused_by_daemon(error)
    yield "daemon stops", daemon_stops


harness.main({}, tests())
