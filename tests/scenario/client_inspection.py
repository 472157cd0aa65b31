#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Looking at process types and models from the command line, and making models from models."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN

ADVECTION = """\
<Model 'advection' (5 processes, 5 inputs)>
grid reference.UniformGrid1D [initialize]
    length           [in] total length (m; static)
    spacing          [in] node spacing (m; static)
init reference.InitUFlat [initialize]
    x                [in] <--- grid.x
    u               [out] ---> profile.u
advect reference.AdvectionLax [run_step]
    v                [in] () or (x) velocity (m/s)
    spacing          [in] <--- grid.spacing
    u                [in] <--- profile.u
source reference.SourcePoint [run_step]
    loc              [in] source location (default 0)
    flux             [in] source flux
    x                [in] <--- grid.x
profile reference.ProfileU [run_step, finalize_step]
    u_vars           [in] <--- group 'u_vars'
"""

ADVECTION_TYPE = """\
<reference.AdvectionLax (process)>
advection by Lax's method, periodic
Variables:
    v                [in] () or (x) velocity (m/s)
    spacing          [in] <--- reference.UniformGrid1D.spacing
    u                [in] <--- reference.ProfileU.u
    u_advected      [out] (x)
Simulation stages:
    run_step
"""


class Session:
    """A daemon without workers, the client, and the model `advection`."""

    def __init__(self, context):
        self.context = context
        self.daemon = context.daemon(workers=0)
        self("models", "create", os.path.join(GOLDEN, "advect-source-forcing/job.json"), "--name", "advection")

    def __call__(self, *arguments, code=0, **more):
        env = {"SIMLAB_SERVER": self.daemon.server, **more}
        ended = self.context.run("simlab", *arguments, env=env)
        equal(ended.returncode, code, f"exit of simlab {' '.join(arguments)}: {ended.stdout}{ended.stderr}")
        return ended

    def definition(self, name):
        return self.daemon.request("GET", f"/v1/models/{name}", status=200).json["definition"]

    def graph(self, *arguments):
        """(names of nodes, edges) that the DOT text declares."""
        text = self("models", "graph", *arguments).stdout
        edges = set(re.findall(r'^  "(\w+)" -> "(\w+)" \[', text, re.MULTILINE))
        return set(re.findall(r'^  "(\w+)" \[', text, re.MULTILINE)), edges


def test_summaries(context):
    simlab = Session(context)
    equal(simlab("models", "show", "advection").stdout, ADVECTION, "summary of the model")
    equal(simlab("processes", "show", "reference.AdvectionLax").stdout, ADVECTION_TYPE, "summary of the type")
    for name, lines in {
            "FixedGrid1D": ["Extends: reference.UniformGrid1D", "length       [out] total length (m)"],
            "ProfileStats": ["parts             [in] <--- group 'u_vars'", "doubled          [out] (x) (on demand)",
                             "n_parts          [out] number of variables in the group (i8)"],
            "Melt": ["temperature         [in] <--- global 'air_temperature'"],
            "Logistic": ["[in] carrying capacity (default 100; in (0, inf])"],
            "GridParams": ["[out] ---> reference.UniformGrid1D.length"],
            "GameOfLife": ["[inout] (y, x) 1 = alive (i1)"]}.items():
        shown = simlab("processes", "show", "reference." + name).stdout
        for line in lines:
            check(line in shown, f"no {line!r} in {shown}")


def test_every_type_is_shown(context):
    simlab = Session(context)
    for name in re.findall(r"^(\S+)", simlab("processes").stdout, re.MULTILINE):
        shown = simlab("processes", "show", name).stdout
        described = simlab.daemon.request("GET", f"/v1/processes/{name}", status=200).json
        listed = re.findall(r"^    (\w+) +\[(?:in|out|inout)\]", shown, re.MULTILINE)
        equal(listed, [v["name"] for v in described["variables"]], f"variables of {name}")
    check("did you mean" in simlab("processes", "show", "reference.Advection", code=2).stderr, "no hint")


def test_graph(context):
    simlab = Session(context)
    processes = {"grid", "init", "advect", "source", "profile"}
    order = {("grid", "init"), ("grid", "source"), ("init", "advect"), ("init", "profile"), ("advect", "profile"),
             ("source", "profile")}
    nodes, edges = simlab.graph("advection")
    equal(nodes, processes, "nodes")
    check(order <= edges, f"missing: {order - edges}")
    nodes, _ = simlab.graph("advection", "--inputs")
    equal(nodes - processes, {"grid__length", "grid__spacing", "advect__v", "source__loc", "source__flux"}, "inputs")
    nodes, edges = simlab.graph("advection", "--variables")
    check({"profile__u", "init__u", "profile__u_vars", "grid__x", "init__x"} <= nodes, f"nodes {nodes}")
    check({("init", "init__u"), ("init__x", "init"), ("grid", "grid__x")} <= edges, f"edges {edges}")
    for start in ("init__u", "profile__u"):
        nodes, _ = simlab.graph("advection", "--variable", start)
        equal(nodes - processes, {"init__u", "profile__u", "advect__u"}, f"route of {start}")
    nodes, _ = simlab.graph("advection", "--variable", "source__u_source")
    equal(nodes - processes, {"source__u_source", "profile__u_vars"}, "route through a group")
    simlab("models", "graph", "advection", "--variable", "grid__nothing", code=2)
    simlab("models", "graph", "advection", "--variable", "nothing", code=2)


def test_drawn_graph(context):
    simlab = Session(context)
    text, drawn = context.path("graph.dot"), context.path("graph.svg")
    simlab("models", "graph", "advection", "-o", text)
    with open(text, encoding="utf-8") as file:
        equal(file.read(), simlab("models", "graph", "advection").stdout, "graph in a file")
    check("Graphviz" in simlab("models", "graph", "advection", "-o", drawn, code=2, PATH="/none").stderr, "a hint")
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg", "-o", os.devnull, text], check=True)
        simlab("models", "graph", "advection", "--variables", "-o", drawn)
        with open(drawn, encoding="utf-8") as file:
            check("<svg" in file.read(), "the file is no SVG")
    simlab("models", "graph", "advection", "-o", context.path("none") + "/graph.dot", code=2)


def fill(job, values):
    """Puts values in place of the template's nulls; what was null."""
    missing = [name for name, given in job["inputs"].items() if given["data"] is None]
    for name in missing:
        job["inputs"][name]["data"] = values[name]
    job["clocks"][job["main_clock"]]["data"] = {"linspace": [0, 1, 11]}
    return missing


def test_template(context):
    """Every golden model's template is valid once filled in, and says what the model declares."""
    simlab = Session(context)
    path = context.path("job.json")
    simlab("models", "template", "advection", "-o", path)
    job = load(path)
    equal(list(job["inputs"]), ["grid__length", "grid__spacing", "advect__v", "source__loc", "source__flux"], "inputs")
    equal(job["inputs"]["advect__v"], {"dims": [], "data": None, "attrs": {"description": "velocity", "units": "m/s"}}, "v")
    equal(job["inputs"]["source__loc"]["data"], 0, "default")
    simlab("submit", "--dry-run", path, code=2)
    values = {"grid__length": 1, "grid__spacing": 0.1, "advect__v": 1, "source__flux": 2}
    equal(fill(job, values), list(values), "what was to be filled in")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(job, file)
    simlab("submit", "--dry-run", path)


def test_templates_of_golden_models(context):
    simlab = Session(context)
    for name in sorted(os.listdir(GOLDEN)):
        source = os.path.join(GOLDEN, name, "job.json")
        if not os.path.exists(source):
            continue
        simlab("models", "create", source, "--name", name)
        path = context.path("job.json")
        simlab("models", "template", name, "-o", path)
        job = load(path)
        equal(sorted(job["inputs"]), sorted(load(GOLDEN, name, "expected.json")["inputs"]), f"inputs of {name}")
        given = {k: v for k, v in load(source)["inputs"].items() if not isinstance(v, dict)}
        fill(job, {k: given.get(k, 1) for k in job["inputs"]})
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job, file)
        simlab("submit", "--dry-run", path)


def test_models_from_models(context):
    simlab = Session(context)
    before = simlab.definition("advection")
    made = simlab("models", "update", "advection", "--set", "init=reference.InitUGauss", "--drop", "source",
                  "--set", "decay=reference.Decay", "--after", "decay=advect", "--name", "other").stdout.strip()
    other = simlab.definition("other")
    equal(list(other["processes"].items()),
          [("grid", "reference.UniformGrid1D"), ("profile", "reference.ProfileU"), ("init", "reference.InitUGauss"),
           ("advect", "reference.AdvectionLax"), ("decay", "reference.Decay")], "processes")
    equal(other["after"], {"decay": ["advect"]}, "edges")
    equal(simlab.definition(made), other, "the model of the printed hash")
    simlab("models", "drop", "other", "advect", "--name", "third")
    third = simlab.definition("third")
    equal(list(third["processes"]), ["grid", "profile", "init", "decay"], "processes that are left")
    check(not third.get("after"), f"an edge to what was dropped: {third}")
    simlab("models", "update", "third", "--set", "source=reference.SourcePoint", "--after", "source=decay", "--name", "fourth")
    simlab("models", "update", "fourth", "--after", "init=grid", "--name", "fifth")
    equal(simlab.definition("fifth")["after"], {"source": ["decay"], "init": ["grid"]}, "edges that are kept")
    equal(simlab.definition("advection"), before, "the first model")
    check(all(name in simlab("models").stdout for name in ("advection", "other", "third")), "list of models")


CHANGES = (
    ({"source": None}, {}), ({"init": "reference.InitUGauss"}, {}), ({"decay": "reference.Decay"}, {"decay": ["advect"]}),
    ({"source": None, "other": "reference.SourcePoint", "decay": "reference.Decay"}, {"decay": ["other"], "other": ["advect"]}),
    ({}, {"init": ["grid"]}), ({}, {"source": ["init", "grid"]}), ({"advect": None}, {}), ({"advect": None}, {"source": ["init"]}))


def words_of(processes, after):
    for name, kind in processes.items():
        yield from ("--drop", name) if kind is None else ("--set", f"{name}={kind}")
    for name, others in after.items():
        for other in others:
            yield from ("--after", f"{name}={other}")


def test_changes_are_the_same_however_they_are_made(context):
    """POST /v1/models, a job's own model, and the command line give one document."""
    simlab = Session(context)
    base = {"base": "advection", "name": "ordered", "after": {"source": ["advect"], "advect": ["init"]}}
    simlab.daemon.request("POST", "/v1/models", base, status=201)
    for processes, after in CHANGES:
        body = {"base": "ordered", "processes": processes, **({"after": after} if after else {})}
        posted = simlab.daemon.request("POST", "/v1/models", body, status=201).json
        told = simlab("models", "update", "ordered", *words_of(processes, after)).stdout.strip()
        equal(told, posted["hash"], f"hash of {body} by the command line and by POST")
        job = json.loads(simlab("models", "template", told).stdout)
        fill(job, {name: 1 for name in job["inputs"]})
        checked = simlab.daemon.request("POST", "/v1/jobs?dry_run=1", {**job, "model": body}, status=200)
        equal(checked.json["model"], posted["hash"], f"hash of a job's model {body}")
        if after == {} and list(processes) == ["advect"]:
            equal(posted["definition"]["after"], {"source": ["init"]}, "the order through what was dropped")
    simlab("models", "drop", "ordered", "source", "advect", "--name", "fewer")
    check("after" not in simlab.definition("fewer"), "edges of what was dropped")


def test_models_that_cannot_be_made(context):
    simlab = Session(context)
    for arguments, word in (
            (("update", "none", "--drop", "a"), "none"), (("update", "advection", "--drop", "nothing"), "nothing"),
            (("update", "advection", "--set", "a=reference.None"), "reference.None"),
            (("update", "advection", "--after", "init=nothing"), "nothing"),
            (("update", "advection", "--after", "grid=profile"), "grid"),
            (("drop", "advection", "grid"), "reference.UniformGrid1D"), (("drop", "advection", "nothing"), "nothing"),
            (("update", "advection", "--drop", "source", "--name", "advection"), "advection"),
            (("update", "advection", "--drop", "source", "--name", "a/b"), "name")):
        said = simlab("models", *arguments, code=2).stderr
        check(said.startswith("simlab: refused: ") and word in said, f"{arguments}: {said}")
    cycle = context.path("cycle.json")
    with open(cycle, "w", encoding="utf-8") as file:
        json.dump(load(GOLDEN, "errors/cycle.json")["job"], file)
    check("a → b → a" in simlab("models", "create", cycle, code=2).stderr, "the cycle")


harness.main(globals())
