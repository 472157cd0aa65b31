#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""proto/job.schema.json: every job of this repository keeps to it; for every rule of it, jobs that
break that rule alone are refused by the schema and by the service, with a pointer to the fault; and
it has the keys that the service has."""
import io
import json
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
import refusals  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN, REPOSITORY

SCHEMA = refusals.Schema(load(REPOSITORY, "proto/job.schema.json"))
FILE = "three.npy"  # beside the jobs that are run locally

# ---- valid jobs, which between them have every part of the schema --------------------------------

MODEL = {"processes": {"e": "kinds.Echo", "pop": "reference.Logistic"}}
ECHO = {"e__in_i1": 1, "e__in_i4": 4, "e__in_f8": 0.5, "e__in_c8": [1, 2], "e__in_c16": [0.5, -1], "pop__r": 0.5}
JOB = {"model": MODEL, "clocks": {"time": {"data": [0, 1, 2]}}, "inputs": ECHO, "outputs": {"pop__n": "time", "e__out_f8": None}}


def job(**more):
    return {**JOB, **more}


def inputs(**more):
    return job(inputs={**ECHO, **more})


def near(times):
    return job(clocks={"time": [0, 1, 2], "some": {"times": times, "nearest": True}}, main_clock="time", outputs={"pop__n": "some"})


def forms(upload):
    """Three values, in each form but a file."""
    return {"linspace": [0, 2, 3]}, {"arange": [0, 3, 1]}, {"arange": [0, 3]}, {"arange": [3]}, {"upload": upload}


def each_form(upload):
    """The forms wherever data may stand."""
    of_file = {"file": FILE}
    for i, form in enumerate((*forms(upload), of_file)):
        local = "local-" if form is of_file else ""
        more = {"attrs": {"units": "m"}}
        array = {"dims": ["k"], "data": form, **more}, {"dims": "k", **form, **more}
        for k, given in enumerate(array):
            where = f"{local}{i}-{k}"
            yield f"{where}-input", inputs(e__in_f8=given)
            yield f"{where}-coord", job(coords={"label": given})
            batch = {**given, "dims": "batch" if k else ["batch"]}
            yield f"{where}-product", sweep(product={"pop__r": batch})
            yield f"{where}-zip", sweep(zip={"pop__r": batch})
            own = {**given, "dims": "time" if k else ["time"]}
            yield f"{where}-clock", job(clocks={"time": {**own, "units": "days since 2000-01-01", "calendar": "noleap"}})
        yield f"{local}{i}-times", near(form)


def appended(values, labels=None, name="pop__r", first=(0.1, 0.2)):
    """A batch of two, which got more."""
    more = {"inputs": {name: values}, **({} if labels is None else {"coords": {"batch": labels}})}
    dims = ["batch", "k"][:1 + isinstance(first[0], list)]
    given = {**ECHO, name: {"dims": dims, "data": list(first)}}
    coords = {} if labels is None else {"batch": [False, True] if labels == [True] else ["a", "b"] if labels == ["c"] else [1, 2]}
    return job(batch_dim="batch", inputs=given, coords=coords, open=True, appended=[more])


def each_appended(upload):
    for i, form in enumerate(({"linspace": [0, 2, 3]}, {"arange": [0, 3, 1]}, {"arange": [0, 3]}, {"arange": [3]}, {"upload": upload})):
        yield f"appended-{i}", appended(form, form)
    yield "local-appended", appended({"file": FILE}, {"file": FILE})
    for i, (name, first) in enumerate((("e__in_bool", [True, False]), ("e__in_str", ["a", "b"]), ("e__in_f8", [[1, 2], [3, 4]]))):
        yield f"appended-list-{i}", appended(first[:1], name=name, first=first)
    for i, labels in enumerate(([3], [True], ["c"])):
        yield f"appended-labels-{i}", {**appended([0.3], labels), "open": 50}


def sweep(**given):
    return {**job(sweep=given), "inputs": {k: v for k, v in ECHO.items() if k != "pop__r"}}


def encodings():
    compressors = [None, {"id": "zlib", "level": 1}, {"id": "zstd", "level": 3},
                   {"id": "blosc", "cname": "zstd", "clevel": 5, "shuffle": 2, "blocksize": 0}]
    filters = [None,
               [{"id": "fixedscaleoffset", "dtype": "<f8", "astype": "<i2", "scale": 100, "offset": 0}],
               [{"id": "fixedscaleoffset", "dtype": "<f8", "astype": None, "scale": 100, "offset": 0}]]
    yield from ({"compressor": c} for c in compressors)
    yield from ({"filters": f, "fill_value": -5} if f else {"filters": f} for f in filters)
    yield from ({"chunks": c} for c in ([2], [None], 2, True, None))
    yield from ({"fill_value": v} for v in (-1, "NaN", None))
    yield {"dtype": "f4", "order": "C"}


SETUP = {
    "coords": {"time": {"dims": ["time"], "data": [0, 1, 2], "dtype": "int64", "shape": [3], "encoding": {},
                        "attrs": {"__xsimlab_output_clock__": 1, "__xsimlab_main_clock__": 1, "__xsimlab_output_vars__": "pop__n"}}},
    "data_vars": {"pop__r": {"dims": [], "data": 0.5, "attrs": {"__xsimlab_output_vars__": "x"}, "dtype": "float64", "shape": []}},
    "attrs": {"__xsimlab_output_vars__": "pop__n"}, "dims": {"time": 3}, "encoding": {}}
LOGISTIC = {"processes": {"pop": "reference.Logistic"}}


def seeds(upload, stored, number):
    yield from each_form(upload)
    for i, encoding in enumerate(encodings()):
        yield f"encoding-{i}", job(encoding={"pop__n": encoding})
    for i, astype in enumerate(({}, {"astype": "<i2"}, {"astype": None})):
        delta = {"id": "delta", "dtype": "<i4", **astype}
        yield f"encoding-delta-{i}", job(outputs={"e__out_i4": None}, encoding={"e__out_i4": {"filters": [delta]}})
    yield "times", near([0, 1.2])
    yield "every", job(clocks={"time": [0, 1, 2], "some": {"every": 2}}, main_clock="time", outputs={"pop__n": "some"})
    yield "encoding-bool", job(outputs={"e__out_bool": None}, encoding={"e__out_bool": {"fill_value": True}})
    yield "encoding-complex", job(outputs={"e__out_c8": None}, encoding={"e__out_c8": {"fill_value": [0, 1]}})
    yield "setup", {"model": LOGISTIC, "setup": SETUP}
    yield "stored", {**job(model=stored)}
    yield "changed", {"model": {"base": stored, "processes": {"e": None, "q": "reference.Logistic"}, "after": {"q": None}},
                      "clocks": {"time": [0, 1]}, "inputs": {"pop__r": 1, "q__r": 1}}
    yield "after", job(model={**MODEL, "after": {"pop": ["e"]}})
    yield "after-one", job(model={**MODEL, "after": {"pop": "e"}})
    yield "after-none", job(model={**MODEL, "after": None})
    yield "given-none", job(model={**MODEL, "given": None})
    yield "given", {"model": {"processes": {"melt": "reference.Melt"}, "given": {"climate": "reference.ClimateForcing"}},
                    "clocks": {"time": [0, 1]}, "inputs": {"climate__temperature": 3}}
    yield "lists", inputs(e__in_bool=[True, False, True], e__in_str=["a", "b", "c"], e__in_f8=[1, 2, 3])
    yield "scalars", inputs(e__in_bool=True, e__in_str="ab", e__in_f8=2)
    for name, data in (("bool", True), ("str", "ab"), ("f8", 2), ("f8", "NaN")):
        yield f"data-{name}-{data}", inputs(**{f"e__in_{name}": {"dims": [], "data": data}})
    for name, data in (("bool", [True]), ("str", ["ab"]), ("f8", [2]), ("f8", [[2]])):
        where = ["k", "j"][:1] if not isinstance(data[0], list) else ["j", "k"]
        yield f"list-{name}-{len(where)}", inputs(**{f"e__in_{name}": {"dims": where, "data": data}})
    yield "nested", inputs(e__in_f8=[[1, 2]])
    for i, value in enumerate((1, True, "a", [1], ["a"], [True])):
        yield f"coord-{i}", job(coords={"label": value})
        yield f"coord-data-{i}", job(coords={"label": {"data": value, "dims": ["label"] if isinstance(value, list) else []}})
    yield "coord-nested", job(coords={"label": {"data": [[1, 2]], "dims": ["u", "v"]}})
    for section in ("product", "zip"):
        for name, value in (("bool", [True, False]), ("str", ["a", "b"]), ("f8", [1, 2]), ("f8", [[1, 2], [3, 4]])):
            for form in (value, {"dims": ["batch", "k"][:1 + isinstance(value[0], list)], "data": value}):
                given = sweep(**{section: {f"e__in_{name}": form}})
                given["inputs"] = {k: v for k, v in ECHO.items() if k != f"e__in_{name}"}
                yield f"{section}-{name}-{json.dumps(form)}", given
    yield "clock-list", job(clocks={"time": [0, 1, 2], "other": [0, 2]}, main_clock="time")
    yield "main-object", job(main_clock={"dim": "time", "units": "days", "calendar": "noleap"})
    yield "main-object-null", job(main_clock={"dim": None})
    yield "options", job(**{"$schema": "job.schema.json"}, name="a name", batch_dim="batch", parallel=True,
                         scheduler="threads", encoding={}, check_dims="strict",
                         validate="inputs", store="store.zarr", seed=1, priority=0, max_attempts=3, member_timeout=1.5, threads=2, workers=3, after=[number], hold=True,
                         stop_when={"variable": "pop__n", "above": 50}, log_every=1, debug=False, profile=True, finite_outputs=True, isolate=True, hooks=["faulty.looks"],
                         labels={"project": "one"}, attrs={"title": "t"},
                         inputs={**ECHO, "pop__r": {"dims": ["batch"], "data": [0.1, 0.2]}})
    yield "nulls", job(**{key: None for key in (
        "name", "batch_dim", "parallel", "scheduler", "encoding", "check_dims", "validate", "store", "seed", "priority",
        "max_attempts", "member_timeout", "threads", "workers", "after", "hold", "open", "appended", "stop_when", "log_every", "debug", "profile", "finite_outputs", "isolate", "hooks", "labels", "attrs", "sweep", "main_clock", "checkpoint", "from", "environment", "libraries", "crs")})
    yield "environment", job(environment="default", libraries={})
    for i, crs in enumerate((4326, 3857, "EPSG:32616", 'GEOGCS["a",\nDATUM["b [", SPHEROID["c", 1, 0]], PRIMEM["d", 0]]\n', "LOCAL_CS(\"a\")")):
        yield f"crs-{i}", job(crs=crs)
    for i, output in enumerate(({"clock": "time", "attrs": {"units": "m"}}, {"clock": None}, {"attrs": {}}, {})):
        yield f"output-{i}", job(outputs={"pop__n": output})
    yield "format", {"model": {"processes": {"pop": "reference.Logistic"}}, "clocks": {"time": [0, 1, 2]},
                     "outputs": {"pop__n": "time"}, "inputs": {"pop__r": 0.5}, "zarr_format": 2}
    for i, checkpoint in enumerate(({"every": 1}, {"every": "30s"}, {"keep": 1}, {"keep": [1, 2], "every": None}, {"keep": None, "every": 1})):
        yield f"checkpoint-{i}", job(checkpoint=checkpoint)
    for i, bound in enumerate(({"above": 5}, {"below": 0}, {"not_finite": True})):
        yield f"stop-{i}", job(stop_when={"variable": "pop__n", **bound})
        yield f"stops-{i}", job(stop_when=[{"variable": "pop__n", **bound}])
    yield "base", {"base": number, "inputs": {"pop__k": None}, "coords": {"a": None}, "clocks": {"b": None},
                   "encoding": {"pop__n": None}, "labels": {"c": None}}
    yield "base-text", {"base": str(number), "model": MODEL}
    yield from each_appended(upload)


# ---- one service for all -------------------------------------------------------------------------


class Service:
    """A daemon, a job that it has, a model that it has, an array that it has, and the seeds."""
    made = None

    def __init__(self, build):
        self.context = harness.Context(build, tempfile.mkdtemp(prefix="simlab-schema-"))
        libraries = [f"--processes={self.context.program(name)}" for name in ("faulty", "kinds")]
        self.daemon = self.context.daemon(workers=1, options=libraries)
        import numpy  # pylint: disable=import-outside-toplevel
        file = io.BytesIO()
        numpy.save(file, numpy.arange(3.0))
        octets = {"Content-Type": "application/octet-stream"}
        upload = self.daemon.request("POST", "/v1/uploads", file.getvalue(), octets, status=201).json["id"]
        stored = {**MODEL, "name": "stored"}
        self.daemon.request("POST", "/v1/models", stored, status=201)
        number = int(self.daemon.submit(job())["id"])
        self.seeds = {**dict(seeds(upload, "stored", number)), **self.branches()}
        libraries = self.daemon.request("GET", "/v1/processes", status=200).json["libraries"]
        self.seeds["libraries"] = job(libraries={l["name"]: l["sha256"] for l in libraries if l["name"] == "faulty"})
        self.folder = self.context.directory("local")
        with open(os.path.join(self.folder, FILE), "wb") as out:
            out.write(file.getvalue())

    def branches(self):
        """Jobs that start from a checkpoint of one that has ended: each member of two."""
        batch = {"sweep": {"product": {"pop__r": [0.1, 0.2]}}, "inputs": {k: v for k, v in ECHO.items() if k != "pop__r"}}
        kept = self.daemon.await_end(self.daemon.submit(job(checkpoint={"keep": 1}, **batch))["id"])
        start = {"job": int(kept["id"]), "step": 1}
        local = {"store": kept["store"], "step": 1}
        return {"from": job(**{"from": start}), "from-0": job(**{"from": {**start, "member": 0}}),
                "from-null": job(**{"from": {**start, "member": None}}),
                "from-each": job(**{"from": {**start, "member": "each"}}, **batch), "local-from": job(**{"from": local})}

    @classmethod
    def of(cls, context):
        cls.made = cls.made or cls(context.build)
        return cls.made

    def ask(self, name, document):
        """(refused, pointer, message): of a dry run, or where the job names a file, of a run here."""
        if not name.startswith("local-"):
            answer = self.daemon.request("POST", "/v1/jobs?dry_run=1", document)
            body = answer.json
            check(answer.status in (200, 400, 413, 422), f"{answer!r}")
            if answer.status == 400 and re.search(r"line \d+, column \d+", body["detail"]):
                return True, None, body["detail"]  # no JSON, or none that jansson takes: said by line and column
            return answer.status != 200, body.get("pointer", ""), body.get("detail")
        path = os.path.join(self.folder, "job.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        options = [f"--processes={self.context.program(name)}" for name in ("processes", "faulty", "kinds")]
        ended = self.context.run("simlab-worker", "run", path, "--store", self.context.path("s"), *options)
        check(ended.returncode in (0, 2), f"{ended}")
        found = re.search(r"\(at (/.*)\)$", ended.stderr, re.MULTILINE)
        return ended.returncode == 2, found.group(1) if found else "", ended.stderr.strip()

    def takes(self, name, document):
        faults = SCHEMA.faults(document)
        check(not faults, f"{name}: the schema refuses it: {faults}")
        refused, pointer, message = self.ask(name, document)
        check(not refused, f"{name}: refused at {pointer}: {message}")


# ---- tests ---------------------------------------------------------------------------------------


def jobs_of_the_repository():
    """(path, job) of every JSON file that is one, but those that are there to be refused."""
    for folder, folders, names in os.walk(REPOSITORY):
        folders[:] = [f for f in folders if not f.startswith((".", "build")) and f not in ("errors", "fuzz")]
        for name in names:
            if name.endswith(".json"):
                document = load(folder, name)
                if isinstance(document, dict) and "model" in document and "clocks" in document:
                    yield os.path.join(folder, name), document


def with_uploads(service, path, document):
    """What the client sends: files uploaded."""
    if isinstance(document, dict) and isinstance(document.get("file"), str):
        with open(os.path.join(os.path.dirname(path), document["file"]), "rb") as file:
            made = service.daemon.request("POST", "/v1/uploads", file.read(), {"Content-Type": "application/octet-stream"}, 201)
        return {"upload": made.json["id"]}
    if isinstance(document, dict):
        return {k: with_uploads(service, path, v) for k, v in document.items()}
    return [with_uploads(service, path, v) for v in document] if isinstance(document, list) else document


def test_jobs_of_the_repository(context):
    service, found = Service.of(context), 0
    for path, document in jobs_of_the_repository():
        check(not SCHEMA.faults(document), f"{path}: {SCHEMA.faults(document)}")
        service.takes(path, with_uploads(service, path, document))
        found += 1
    check(found > len(harness.golden_cases()), f"only {found} jobs were found")


def test_setups(context):
    service = Service.of(context)
    for case in harness.golden_cases():
        service.takes(case, harness.setup_job(case))


def test_golden_errors_are_well_formed(_context):
    for name in harness.golden_errors():
        equal(SCHEMA.faults(load(GOLDEN, "errors", name + ".json")["job"]), set(), name)


def test_templates(context):
    """What `simlab models template` writes is refused until it is filled in, and then taken."""
    service = Service.of(context)
    simlab = lambda *words: context.run("simlab", "--server", service.daemon.server, *words).stdout
    job = json.loads(simlab("models", "template", "stored"))
    values = {"e__in_c8": [0, 0], "e__in_c16": [0, 0], "pop__r": 1}
    empty = {("inputs", n, "data") for n in values} | {("clocks", "time", "data")}
    equal({at for _, at in SCHEMA.faults(job)}, empty, "what is to be filled in")
    job["clocks"]["time"]["data"] = {"linspace": [0, 1, 11]}
    for name, value in {**values, "e__in_i1": 1, "e__in_i4": 1, "e__in_f8": 1}.items():
        job["inputs"][name].update(data=value, dims=[])
    service.takes("template", job)


def test_documents_as_normalized(context):
    service = Service.of(context)
    for job in service.daemon.request("GET", "/v1/jobs").json["jobs"]:
        service.takes("normalized", service.daemon.request("GET", f"/v1/jobs/{job['id']}/document", status=200).json)


def test_seeds_are_taken(context):
    service = Service.of(context)
    for name, document in service.seeds.items():
        service.takes(name, document)


def test_the_schema_promises_nothing_else(context):
    """Of each list of types there is a valid job with each; of each word, too."""
    service = Service.of(context)
    missing = []
    for rule in SCHEMA.rules():
        if rule.keyword == "type" and isinstance(rule.node["type"], list):
            missing += [f"{rule}: {t}" for t in set(rule.node["type"]) - SCHEMA.types_seen(rule, service.seeds)]
        elif rule.keyword == "enum":
            for value in rule.node["enum"]:
                variant(service, rule, value)
    check(not missing, "no valid job has\n" + "\n".join(missing))


def variant(service, rule, value):
    for name, seed in service.seeds.items():
        for at, _ in SCHEMA.places(rule.path, seed):
            document = refusals.replaced(seed, at, value)
            if not SCHEMA.faults(document):
                return service.takes(f"{name} with {value} at {refusals.pointer(at)}", document)
    raise harness.Failure(f"{rule}: no valid job has {value!r}")


def points_at(pointer, at):
    """The pointer leads to the fault, into it, or to the member that holds it."""
    fault = refusals.pointer(at)
    if pointer is None:
        return True
    return (pointer + "/").startswith(fault + "/") or pointer == refusals.pointer(at[:-1]) and len(at) > 1


def test_every_rule_refuses(context):
    service, lacking, wrong, asked = Service.of(context), [], [], 0
    for rule in SCHEMA.rules():
        documents = SCHEMA.refusals(rule, service.seeds)
        if not documents:
            lacking.append(str(rule))
        for name, document, at in documents:
            asked += 1
            refused, pointer, message = service.ask(name, document)
            if not refused:
                wrong.append(f"{rule}: {name}, changed at {refusals.pointer(at)}, is taken")
            elif not points_at(pointer, at):
                wrong.append(f"{rule}: {name}: the fault is at {refusals.pointer(at)}, not at {pointer}: {message}")
            if os.environ.get("SIMLAB_TEST_LOG"):
                print(rule, "|", refusals.pointer(at), "|", pointer, "|", message)
    check(not lacking, "no job breaks these rules alone:\n" + "\n".join(lacking))
    check(not wrong, f"{len(wrong)} of {asked} jobs:\n" + "\n".join(wrong))


def test_a_rule_without_a_job_is_noticed(context):
    """The test above fails where the schema has a rule more."""
    document = load(REPOSITORY, "proto/job.schema.json")
    document["properties"]["name"]["pattern"] = ""
    schema = refusals.Schema(document)
    lacking = [str(r) for r in schema.rules() if r.keyword == "pattern" and not schema.refusals(r, Service.of(context).seeds)]
    equal(lacking, ["properties/name/pattern"], "rules without a job")
    document["properties"]["name"]["format"] = "uri"
    try:
        list(refusals.Schema(document).rules())
    except AssertionError:
        return
    raise harness.Failure("a keyword that has no test is not noticed")


def test_the_service_gives_it(context):
    daemon = Service.of(context).daemon
    equal(daemon.request("GET", "/v1/schemas/job", status=200).json, SCHEMA.document, "GET /v1/schemas/job")
    openapi = daemon.request("GET", "/openapi.json", status=200).json
    equal(openapi["components"]["schemas"]["JobDocument"]["$ref"], "/v1/schemas/job", "openapi.json leads to it")


def keys_of(file, name):
    with open(os.path.join(REPOSITORY, "daemon", file), encoding="utf-8") as source:
        tables = re.findall(r"static const char \*const " + name + r"\[\] = \{(.*?)\};", source.read(), re.DOTALL)
    check(tables, f"{file} has no table {name}")
    return [sorted(re.findall(r'"([^"]+)"', table)) for table in tables]


def test_keys_are_those_of_the_code(_context):
    defs, properties = SCHEMA.document["$defs"], SCHEMA.document["properties"]
    for file, name, nodes in (
            ("model/job_document.c", "keys", [SCHEMA.document]),
            ("model/job_clocks.c", "keys", [defs["clock"]["then"], properties["main_clock"]]),
            ("model/job_inputs.c", "keys", [defs["array"]]),
            ("model/job_coords.c", "keys", [defs["array"]]),
            ("model/job_sweep.c", "keys", [defs["sweptArray"], properties["sweep"]]),
            ("model/job_data.c", "forms", [defs["data"]]),
            ("model/job_stop_when.c", "keys", [defs["stop"]]),
            ("model/job_setup.c", "keys", [defs["setupArray"], properties["setup"]]),
            ("store/encode.c", "keys", [defs["encoding"]])):
        equal(keys_of(file, name), [sorted(node["properties"]) for node in nodes], f"keys of {file}")


def test_every_key_is_described(context):
    service = Service.of(context)

    def visit(node, path):
        node = SCHEMA.follow(node)
        if isinstance(node, bool):
            return
        for example in node.get("examples", []):
            check(SCHEMA.valid(node, example), f"{path}: the example {example} is not valid")
        for (keyword, *name), child in SCHEMA.below(node):
            full = SCHEMA.follow(child)
            # One with neither type nor words adds to what is described elsewhere.
            if keyword == "properties" and isinstance(full, dict) and full.keys() & {"type", "enum"}:
                check("description" in full, f"{path}/{keyword}/{name}: no description")
            if not (isinstance(child, dict) and "$ref" in child):
                visit(child, f"{path}/{keyword}" + "".join(f"/{n}" for n in name))

    visit(SCHEMA.document, "")
    for name, node in SCHEMA.document["$defs"].items():
        check("title" in node and "description" in node, f"$defs/{name}: no title or description")
        visit(node, name)
    for example in SCHEMA.document["examples"]:
        service.takes("example", example)


try:
    harness.main(globals())
finally:
    if Service.made:
        Service.made.context.close()
        shutil.rmtree(Service.made.context.root, ignore_errors=True)
