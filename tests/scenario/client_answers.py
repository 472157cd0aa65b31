#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command line against odd answers: whatever a server says, no command dies of a signal, waits
for ever, takes junk for success, or lets the server's text drive the terminal."""
import concurrent.futures
import copy
import json
import os
import re
import subprocess
import sys
import unicodedata

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from fake_server import Fake  # pylint: disable=wrong-import-position
from harness import check, equal, REPOSITORY, WAIT

# ---- a good daemon -------------------------------------------------------------------------------

JOB = {"id": "7", "name": "a name", "state": "partial", "model": "h", "store": "/stores/7.zarr", "members": 24, "done": 22,
       "dead": 2, "progress": {"step": 1, "nsteps": 9}, "reason": "why", "created": "2026-01-01T00:00:00.000Z",
       "started": "2026-01-01T00:00:00.000Z", "ended": "2026-01-01T00:00:00.000Z"}
VARIABLE = {"name": "v", "kind": "variable", "intent": "in", "dtype": "f4", "dims": [[], ["x", "y"]], "description": "velocity",
            "attrs": {"units": "m"}, "default": 0.5, "bounds": "[0, 1]", "choices": [1, 2]}
FOREIGN = {"name": "w", "kind": "foreign", "intent": "out", "type": "l.T", "var": "u", "description": "of another"}
GROUP = {"name": "g", "kind": "group", "intent": "in", "group": "parts"}
GLOBAL = {"name": "n", "kind": "global", "intent": "in", "global_name": "air"}
TYPE = {"name": "l.T", "library": "l", "description": "a type", "extends": "l.P", "stages": ["initialize", "run_step"],
        "variables": [VARIABLE, FOREIGN, GROUP, GLOBAL]}
MODEL = {"hash": "a" * 64, "name": "m", "definition": {"processes": {"p": "l.T"}},
         "processes": {"p": {"type": "l.T", "before": ["q"],
                             "variables": {"v": "p__v", "w": "q__u", "g": ["p__v"], "n": "q__n"}}},
         "order": ["p"], "inputs": {"p__v": {"name": "v", "kind": "variable", "intent": "in", "dims": [["x"]], "attrs": {}}},
         "unordered": [{"processes": ["p", "q"], "variable": "p__v", "stage": "run_step"}]}
ROUTES = {
    ("POST", "/v1/jobs"): JOB,
    ("POST", "/v1/jobs?dry_run=1"): {"valid": True, "model": "h", "members": 1, "store": None},
    ("GET", "/v1/jobs/7"): JOB,
    ("POST", "/v1/jobs/7/cancel"): JOB,
    ("POST", "/v1/jobs/7/retry"): JOB,
    ("GET", "/v1/jobs/7/log?limit=1000&member=3"): {"lines": [{"event": 5, "time": "2026-01-01T00:00:00.000Z", "member": 3,
                                                              "line": "hot"}]},
    ("DELETE", "/v1/jobs/7"): JOB,
    ("DELETE", "/v1/jobs/7?store=keep"): JOB,
    ("GET", "/v1/jobs?limit=100&label=a%3Db%20c"): {"jobs": [JOB]},
    ("GET", "/v1/jobs/7/members?limit=10"): {"members": [{"member": 3, "attempts": 3, "state": "dead", "reason": "hot"}]},
    ("GET", "/v1/jobs/7/members?limit=100"): {"members": [
        {"member": 3, "attempts": 3, "state": "dead", "cause": "error", "reason": "hot", "log": ["warm", "hot"]}]},
    ("GET", "/v1/jobs/7/ranges?limit=100"): {"ranges": [{"begin": 0, "end": 3, "state": "done"}]},
    ("GET", "/v1/jobs?limit=100"): {"jobs": [JOB], "next": "7"},
    ("GET", "/v1/jobs?limit=99&before=7"): {"jobs": [JOB]},
    ("GET", "/v1/models?limit=100"): {"models": [{"name": "m", "hash": "h", "created": "2026-01-01T00:00:00.000Z"}]},
    ("POST", "/v1/models"): MODEL,
    ("GET", "/v1/models/m"): MODEL,
    ("GET", "/v1/processes"): {"processes": [{"name": "l.T", "description": "a type", "library": "l"}],
                               "left_out": [{"library": "bad", "type": None, "path": "/l/bad.so", "reason": "no descriptors"},
                                            {"library": "l", "type": "l.Bad", "path": None, "reason": "no name"},
                                            {"library": "odd", "reason": "not known"}]},
    ("GET", "/v1/processes/l.T"): TYPE,
    ("POST", "/v1/uploads"): {"id": "b" * 64, "dtype": "f8", "shape": [3]},
}
EVENTS = (b'id: 1\nevent: running\ndata: {}\n\nid: 2\nevent: progress\ndata: {"done": 2, "dead": 1, "members": 24}\n\n'
          b'id: 3\nevent: log\ndata: {"member": 3, "line": "hot"}\n\nid: 4\nevent: partial\ndata: {}\n\n')

# What people type, its exit code with the good daemon, and what it asks of it. {job}, {array} and
# {model} are files.
COMMANDS = (
    (("run", "{job}"), 1, [("POST", "/v1/jobs"), ("GET", "/v1/jobs/7")]),
    (("submit", "{job}"), 0, [("POST", "/v1/jobs")]),
    (("submit", "--dry-run", "{job}"), 0, [("POST", "/v1/jobs?dry_run=1")]),
    (("submit", "{array}"), 0, [("POST", "/v1/uploads"), ("POST", "/v1/jobs")]),
    (("status", "7"), 0, [("GET", "/v1/jobs/7"), ("GET", "/v1/jobs/7/members?limit=10")]),
    (("jobs",), 0, [("GET", "/v1/jobs?limit=100"), ("GET", "/v1/jobs?limit=99&before=7")]),
    (("log", "7", "--member", "3"), 0, [("GET", "/v1/jobs/7/log?limit=1000&member=3")]),
    (("rm", "7"), 0, [("DELETE", "/v1/jobs/7")]),
    (("rm", "--keep-store", "7"), 0, [("DELETE", "/v1/jobs/7?store=keep")]),
    (("jobs", "--label", "a=b c"), 0, [("GET", "/v1/jobs?limit=100&label=a%3Db%20c")]),
    (("wait", "7"), 1, [("GET", "/v1/jobs/7")]),
    (("cancel", "7"), 0, [("POST", "/v1/jobs/7/cancel")]),
    (("members", "7"), 0, [("GET", "/v1/jobs/7/ranges?limit=100")]),
    (("members", "7", "--dead"), 0, [("GET", "/v1/jobs/7/members?limit=100")]),
    (("retry", "7"), 0, [("POST", "/v1/jobs/7/retry")]),
    (("models",), 0, [("GET", "/v1/models?limit=100")]),
    (("models", "create", "{model}"), 0, [("POST", "/v1/models")]),
    (("models", "show", "m"), 0, [("GET", "/v1/models/m"), ("GET", "/v1/processes/l.T")]),
    (("models", "graph", "m", "--variables"), 0, [("GET", "/v1/models/m"), ("GET", "/v1/processes/l.T")]),
    (("models", "graph", "m", "--variable", "p__g"), 0, [("GET", "/v1/models/m"), ("GET", "/v1/processes/l.T")]),
    (("models", "template", "m"), 0, [("GET", "/v1/models/m"), ("GET", "/v1/processes/l.T")]),
    (("models", "update", "m", "--drop", "p"), 0, [("POST", "/v1/models")]),
    (("models", "drop", "m", "p"), 0, [("POST", "/v1/models")]),
    (("processes",), 0, [("GET", "/v1/processes")]),
    (("processes", "show", "l.T"), 0, [("GET", "/v1/processes/l.T")]),
    (("plot", "7", "p__v"), None, [("GET", "/v1/jobs/7")]),
)


class Setting:
    """A fake daemon; routes are the good ones unless a test says otherwise."""
    made = 0

    def __init__(self, context):
        self.context = context
        self.folder = context.directory("files")
        self.fake = Fake(context.path("s"))
        self.good()
        model = {"processes": {"p": "l.T"}}
        self.files = {"job": self.file("job.json", {"model": model, "inputs": {}}),
                      "array": self.file("array.json", {"model": model, "inputs": {"p__v": {"dims": ["x"], "file": "a.npy"}}}),
                      "model": self.file("model.json", model)}
        with open(os.path.join(self.folder, "a.npy"), "wb") as file:
            file.write(b"\x93NUMPY and more")

    def good(self, **more):
        self.fake.routes = {route: (200, answer) for route, answer in ROUTES.items()}
        self.fake.routes[("GET", "/v1/jobs/7/events")] = lambda handler, _: handler.stream([EVENTS])

    def file(self, name, document):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        return path

    def __call__(self, *arguments, json_too=False):
        words = [a.format(**self.files) for a in arguments] + (["--json"] if json_too else [])
        env = {**os.environ, "SIMLAB_SERVER": self.fake.url, "SIMLAB_TOKEN": "t", "PATH": "/usr/bin:/bin"}
        return subprocess.run([self.context.program("simlab"), *words], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=WAIT, env=env, check=False)

    def close(self):
        self.fake.stop()


def raw(text):
    """What a terminal would obey, in bytes that should be UTF-8."""
    shown = text.decode("utf-8", "replace")
    return sorted({f"U+{ord(c):04X}" for c in shown if c == "\ufffd" or c not in "\n" and unicodedata.category(c) in
                   ("Cc", "Cf", "Zl", "Zp", "Cs")})


def harmless(ended, what):
    check(0 <= ended.returncode <= 4, f"{what}: exit {ended.returncode} (a signal, or a sanitizer's): {ended.stderr!r}")
    for name, text in (("standard output", ended.stdout), ("standard error", ended.stderr)):
        check(not raw(text), f"{what}: {raw(text)} on {name}: {text!r}")


def in_parallel(context, pieces, work):
    """Each piece with a setting of its own, which pieces share one after the other."""
    def all_of(part):
        setting = Setting(context)
        try:
            for piece in part:
                work(setting, *piece)
        finally:
            setting.close()
    pieces, n = list(pieces), 4
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        list(pool.map(all_of, [pieces[i::n] for i in range(n)]))


# ---- odd answers ---------------------------------------------------------------------------------

# In place of an answer: none of these is one.
NO_ANSWERS = (b"", b"null", b"5", b'"text"', b"[]", b"{}", b"[{}]", b"{", b"<html>no</html>", b"\xff\xfe", b'{"a": "\xff"}',
              b'{"a": 1e999}', b'{"a": 99999999999999999999}', b'{"a": "\\u0000"}', b"[" * 100000, b'{"a":' * 3000 + b"1" + b"}" * 3000,
              json.dumps({"error": {"message": "what another service says"}}).encode())
# In place of a value within an answer.
GONE = object()
ODD_VALUES = (GONE, [None], -1, 2 ** 63 - 1, {"a": {"b": None}})


def places(value, at=()):
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, at + (key,))


def changed(answer, at, value):
    answer = copy.deepcopy(answer)
    holder = answer
    for key in at[:-1]:
        holder = holder[key]
    if value is GONE:
        del holder[at[-1]]
    else:
        holder[at[-1]] = value
    return answer


def test_good_answers(context):
    """The routes above are what the commands ask for, and enough."""
    setting = Setting(context)
    for words, code, asked in COMMANDS:
        setting.fake.requests.clear()
        ended = setting(*words)
        harmless(ended, words)
        if code is not None:
            equal(ended.returncode, code, f"exit of {words}: {ended.stderr}")
        seen = {(r[0], r[1]) for r in setting.fake.requests if not r[1].endswith("/events")}
        equal(seen, set(asked), f"requests of {words}")


def test_no_answers(context):
    """What is no answer at all is never taken for success."""
    def work(setting, words, route, answer):
        setting.good()
        setting.fake.routes[route] = 200, answer
        for json_too in (False, True):
            ended = setting(*words, json_too=json_too)
            what = f"{words}, where {route} is answered with {answer[:60]!r}"
            harmless(ended, what)
            check(ended.returncode == 3, f"{what}: exit {ended.returncode}: {ended.stdout!r} {ended.stderr!r}")
            check(ended.stderr.startswith(b"simlab: "), f"{what}: no word about it: {ended.stderr!r}")
    in_parallel(context, ((w, asked[0], a) for w, _, asked in COMMANDS for a in NO_ANSWERS), work)


def test_odd_values(context):
    """Each value of each answer in turn is another, or absent; of an answer that several commands
    ask for, the first gets all of them."""
    seen, pieces = set(), []
    for words, _, asked in COMMANDS:
        for route in asked:
            values = ODD_VALUES[:1] if route in seen else ODD_VALUES
            pieces += [(words, route, at, values) for at in places(ROUTES[route]) if at]
            seen.add(route)

    def work(setting, words, route, at, values):
        for value in values:
            setting.good()
            setting.fake.routes[route] = 200, changed(ROUTES[route], at, value)
            harmless(setting(*words), f"{words}, where {route} has {value!r} at {at}")
    in_parallel(context, pieces, work)


def test_what_is_needed(context):
    """Without these an answer is none."""
    setting = Setting(context)
    for words, route, needed in (
            (("submit", "{job}"), ("POST", "/v1/jobs"), ("id", "state", "members", "done", "dead")),
            (("cancel", "7"), ("POST", "/v1/jobs/7/cancel"), ("id", "state")),
            (("retry", "7"), ("POST", "/v1/jobs/7/retry"), ("id", "state")),
            (("status", "7"), ("GET", "/v1/jobs/7"), ("id", "state", "members")),
            (("submit", "--dry-run", "{job}"), ("POST", "/v1/jobs?dry_run=1"), ("valid",)),
            (("models", "show", "m"), ("GET", "/v1/models/m"), ("hash", "processes", "order", "inputs")),
            (("models", "create", "{model}"), ("POST", "/v1/models"), ("hash",)),
            (("processes", "show", "l.T"), ("GET", "/v1/processes/l.T"), ("name", "variables", "stages")),
            (("processes",), ("GET", "/v1/processes"), ("processes",)),
            (("jobs",), ("GET", "/v1/jobs?limit=100"), ("jobs",)), (("models",), ("GET", "/v1/models?limit=100"), ("models",))):
        for name in needed:
            for value in (GONE, None, 0.5):
                setting.good()
                setting.fake.routes[route] = 200, changed(ROUTES[route], (name,), value)
                ended = setting(*words)
                equal(ended.returncode, 3, f"exit of {words} where {name} is {value}: {ended.stdout} {ended.stderr}")
                check(f"/{name} is not ".encode() in ended.stderr, f"{words}: not said what is odd: {ended.stderr}")


def test_shapes_are_those_of_openapi(_context):
    """What the client needs of an answer is what proto/openapi.json promises."""
    schemas = harness.load(REPOSITORY, "proto/openapi.json")["components"]["schemas"]
    with open(os.path.join(REPOSITORY, "client/answer.c"), encoding="utf-8") as file:
        source = file.read()
    for table, schema in (("job", "Job"), ("jobs", "Jobs"), ("members", "Members"), ("model", "Model"), ("models", "Models"),
                          ("types", "Processes"), ("type", "ProcessType"), ("upload", "Upload")):
        found = re.search(rf"answer_member {table}_members\[\] =(.*?);", source, re.DOTALL)
        members = re.findall(r'\{"(\w+)",[^}]*?(true|false|whole)\}', found.group(1).replace("MODEL_MEMBERS(false)", re.search(
            r"define MODEL_MEMBERS\(whole\)(.*?)\n\n", source, re.DOTALL).group(1)))
        check(members, f"no members of {table}")
        for name, needed in members:
            check(needed != "true" or name in schemas[schema]["required"], f"{schema}: {name} is needed, but not promised")
            if "properties" in schemas[schema]:
                check(name in schemas[schema]["properties"], f"{schema} has no {name}")


# ---- what is printed -----------------------------------------------------------------------------

EVIL = "\x1b[31m\x07\r\n\t\x9b2J\x85\x7f\u202e\u2066\u200f\u2028\ufeff\U000e0041é\U0001f600"
SHOWN = ("\\x1b[31m\\x07\\r\\n\\t\\u009b2J\\u0085\\x7f\\u202e\\u2066\\u200f\\u2028\\ufeff\\U000e0041é\U0001f600").encode()


def told(answer):
    """As UTF-8, which the fake's own JSON is not."""
    return 200, json.dumps(answer, ensure_ascii=False).encode()


def poisoned(value, keep=("id", "state", "kind", "intent", "dtype", "type", "order")):
    """The same with every text followed by what a terminal would obey."""
    if isinstance(value, dict):
        return {k: v if k in keep else poisoned(v) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(v) for v in value]
    return value + EVIL if isinstance(value, str) else value


def test_text_is_escaped(context):
    setting = Setting(context)
    for words, _, asked in COMMANDS:
        for json_too in (False, True):
            setting.good()
            for route in asked:
                setting.fake.routes[route] = told(poisoned(ROUTES[route]))
            setting.fake.routes[("GET", "/v1/jobs/7/events")] = lambda h, _: h.stream(
                [EVENTS.replace(b'"hot"', told("hot" + EVIL)[1])])
            ended = setting(*words, json_too=json_too)
            harmless(ended, f"{words} with texts that a terminal obeys")
            if json_too and ended.stdout and words[0] not in ("models", "plot"):
                printed = json.loads(ended.stdout.decode().split("\n}\n{")[0])
                check(printed in [poisoned(ROUTES[r]) for r in asked], f"{words} --json: another document: {printed}")


def test_names_are_escaped(context):
    """Names of processes, which are keys of the answers."""
    setting = Setting(context)
    evil = json.dumps("p" + EVIL)[1:-1]
    text = json.dumps(MODEL).replace('"p"', f'"{evil}"').replace('"p__v"', f'"{evil}__v"')
    setting.fake.routes[("GET", "/v1/models/m")] = 200, text.encode()
    for words in (("show", "m"), ("graph", "m", "--variables"), ("template", "m")):
        ended = setting("models", *words)
        harmless(ended, words)
        equal(ended.returncode, 0, f"exit of {words}: {ended.stderr}")
        check(b"l.T" in ended.stdout or words[0] == "template", f"no process in {words}: {ended.stdout}")


def test_escapes(context):
    setting = Setting(context)
    setting.fake.routes[("GET", "/v1/jobs/7")] = told({**JOB, "dead": 0, "reason": "a" + EVIL + "\\b"})
    check(b"reason   a" + SHOWN + b"\\b\n" in (said := setting("status", "7").stdout), said)
    problem = {"title": "t", "detail": "x" + EVIL, "pointer": "/a\x1b"}
    setting.fake.routes[("GET", "/v1/jobs/7")] = 422, told(problem)[1]
    ended = setting("status", "7", json_too=True)
    equal(ended.stderr, b"simlab: refused: x" + SHOWN + b" (at /a\\x1b)\n", "problem")
    equal(json.loads(ended.stdout), problem, "problem as JSON")
    check(b"\\u202e" in ended.stdout and b"\\udb40\\udc41" in ended.stdout and "é\U0001f600".encode() in ended.stdout, ended.stdout)
    setting.fake.routes[("GET", "/v1/jobs/7")] = 422, b'{"title" :\r "a\xc2\x85",\n\t"detail": "b"}'
    equal(setting("status", "7", json_too=True).stdout, b'{"title" :  "a\\u0085",\n\t"detail": "b"}\n', "JSON, but for escapes")
    path = "/st\"o\\re\n\x1b\u202e\U000e0041/ü 7.zarr"
    setting.fake.routes[("GET", "/v1/jobs/7")] = told({**JOB, "store": path})
    line = setting("run", "{job}").stdout.decode().splitlines()[1]
    opened = []
    module = type(sys)("xarray")
    module.open_zarr = opened.append
    sys.modules["xarray"] = module
    try:
        exec(line, {})  # pylint: disable=exec-used
    finally:
        del sys.modules["xarray"]
    equal(opened, [path], "path in the line of Python")


def test_nothing_is_printed_elsewhere(_context):
    """All that leaves the client goes through text.h; elsewhere there are constant texts only."""
    folder = os.path.join(REPOSITORY, "client")
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".c") or name == "text.c":
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            source = file.read()
        for call in re.finditer(r"\b(v?[fd]?printf|f?puts|f?putc|putchar|fwrite|perror|psignal|json_dumpf|write)\((.)", source):
            line = source.count("\n", 0, call.start()) + 1
            allowed = call.group(1) in ("fputs", "puts", "putc", "putchar") and call.group(2) in "\"'"
            check(allowed, f"client/{name}:{line} prints with {call.group(1)}")


def test_left_out_is_listed(context):
    setting = Setting(context)
    equal(setting("processes").stdout, b"l.T        a type\n/l/bad.so  left out: no descriptors\n"
          b"l.Bad      left out: no name\nodd        left out: not known\n", "list")


harness.main(globals())
