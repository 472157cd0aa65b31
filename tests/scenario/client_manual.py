#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages say what the programs' own help says: the same commands and options, no more."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, REPOSITORY

PAGES = {"simlab": "client/simlab.1", "simlabd": "daemon/simlabd.8", "simlab-worker": "daemon/simlab-worker.8"}


def page(program):
    """The page's lines without macros and fonts."""
    with open(os.path.join(REPOSITORY, PAGES[program]), encoding="utf-8") as file:
        text = file.read()
    lines = []
    for line in text.split("\n"):
        found = re.match(r"\.(?:[BIR]{1,2}|S[HS]) +(.*)", line)
        line = found.group(1) if found else line
        lines.append(re.sub(r"\\f[BIRP]", "", line).replace("\\-", "-").replace('"', ""))
    return lines


def options_of(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def tags(program):
    """What the page lists: the line after each .TP."""
    lines = page(program)
    return [lines[i + 1] for i, line in enumerate(lines) if line == ".TP"]


def help_of(context, program, *arguments):
    ended = context.run(program, *arguments)
    equal(ended.returncode, 0, f"exit of {program} {arguments}")
    return ended.stdout


def commands(context):
    listed = help_of(context, "simlab", "help").split("Commands:\n")[1].split("\n\n")[0]
    return [line.strip() for line in listed.split("\n")]


def test_commands_of_simlab(context):
    said = [t for t in tags("simlab") if t.startswith("simlab ")]
    shown = commands(context)
    for tag in said:
        plain = tag.replace("[COMMAND...]", "[COMMAND...] ")
        check(any(line.startswith(plain[len("simlab "):].strip()) for line in shown), f"not in the help: {tag!r}")
    for line in shown:
        check(any(line.startswith(t[len("simlab "):] + " ") for t in said), f"not in the manual: {line!r}")


def test_options_of_simlab(context):
    shown = options_of(help_of(context, "simlab", "help"))
    for line in commands(context):
        words = re.match(r"[a-z]+(?: [a-z]+(?= {2,}| [A-Z]))?", line).group(0).split()
        explained = help_of(context, "simlab", "help", *words)
        check(f"usage: simlab {' '.join(words)}" in explained, f"help of {words}: {explained}")
        shown |= options_of(explained)
    equal(options_of(" ".join(tags("simlab"))), shown, "options in the manual")


def promised():
    """What the manual's headings say: {command: its options}."""
    with open(os.path.join(REPOSITORY, PAGES["simlab"]), encoding="utf-8") as file:
        sections = re.findall(r"^\.SS Of (.*)\n((?:(?!\.S[SH]).*\n)*)", file.read(), re.M)
    options = {}
    for heads, text in sections:
        tagged = " ".join(re.findall(r"^\.TP\n(.*)", text, re.M)).replace("\\-", "-")
        for head in re.split(r", | and ", heads):
            options.setdefault(head, set()).update(options_of(tagged))
    return options


def test_commands_take_what_the_manual_promises(context):
    options = promised()
    for_all = options.pop("all commands")
    shown = {}
    for line in commands(context):
        name = re.match(r"[a-z]+(?: [a-z]+(?= {2,}| [A-Z]))?", line).group(0)
        shown[name] = options_of(help_of(context, "simlab", "help", *name.split())) - for_all
    equal(options, {name: taken for name, taken in shown.items() if taken}, "options by command")


def test_options_of_the_others(context):
    for program in ("simlabd", "simlab-worker"):
        shown = options_of(help_of(context, program, "--help")) - {"--help", "--version"}
        equal(options_of(" ".join(tags(program))) - {"--help", "--version"}, shown, f"options of {program}")


def test_roles_of_a_worker_tell_their_options(context):
    for role in ("run", "plan", "describe", "plot", "serve"):
        check("usage: " in help_of(context, "simlab-worker", role, "--help"), role)


def test_exit_codes_and_environment(_):
    with open(os.path.join(REPOSITORY, "proto/api.h"), encoding="utf-8") as file:
        api = file.read()
    text = "\n".join(page("simlab"))
    for code in re.findall(r"API_EXIT_\w+ = (\d)", api):
        check(f".TP\n{code}\n" in text, f"exit code {code} is not in the manual")
    for name in re.findall(r'API_ENV_\w+ +"(\w+)"', api):
        check(f".TP\n{name}\n" in text, f"{name} is not in the manual")
    check(f"127.0.0.1:{re.search(r'API_TCP_PORT (.*)', api).group(1)}" in text, "the port")


def test_pages_are_well_formed(_):
    groff = shutil.which("groff")
    for path in PAGES.values():
        path = os.path.join(REPOSITORY, path)
        check(os.path.getsize(path) > 500, path)
        if groff:
            ended = subprocess.run([groff, "-man", "-ww", "-z", "-Tutf8", path], capture_output=True, text=True, check=False)
            equal((ended.returncode, ended.stderr), (0, ""), f"groff on {path}")


harness.main(globals())
