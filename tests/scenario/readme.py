#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The README's first session works as written, and its links lead somewhere."""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, REPOSITORY

with open(os.path.join(REPOSITORY, "README.md"), encoding="utf-8") as text:
    README = text.read()


def blocks(section):
    """[(language, text)] of the fenced blocks of a section."""
    body = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", README, re.S | re.M)
    check(body, f"README.md has no section {section}")
    return re.findall(r"^```(\w+)\n(.*?)^```", body.group(1), re.S | re.M)


def test_first_session(context):
    found = blocks("A first session")
    start, *commands = [t for language, t in found if language == "sh"]
    check(start.split("\n")[0].endswith("&") and len(commands) >= 2, f"blocks: {found}")
    home = context.directory("home")
    environment = {**os.environ, "HOME": home}
    folder = context.directory("clone")
    os.symlink(context.build, os.path.join(folder, "build"))
    os.symlink(os.path.join(REPOSITORY, "tests"), os.path.join(folder, "tests"))
    shell = subprocess.Popen(["/bin/sh", "-ec", start + "\nwait"], cwd=folder, env=environment, text=True,
                             stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        for line in shell.stderr:
            if "listening on unix:" in line:
                break
        else:
            raise harness.Failure(f"the daemon ended with {shell.wait()}")
        exports = "\n".join(line for line in start.split("\n") if line.startswith("export "))
        said = ""
        for command in commands:
            ran = subprocess.run(["/bin/sh", "-ec", exports + "\n" + command], cwd=folder, env=environment,
                                 text=True, capture_output=True, timeout=harness.WAIT, check=False)
            equal(ran.returncode, 0, f"exit of {command!r}: {ran.stderr}")
            said += ran.stdout
        python = next(t for language, t in found if language == "python").split("\n")[0]
        shown = re.search(r'"(.*)"', python).group(1).replace("…", "")
        check(re.search(re.escape(shown), said), f"{shown} is not in what was said: {said}")
        opens = python.replace("…", os.path.join(home, "simlab"))
        ran = subprocess.run(["/usr/bin/python3", "-c", opens + "\nds.profile__u.sel(otime=0.5).load()"], text=True,
                             capture_output=True, timeout=harness.WAIT, check=False)
        equal(ran.returncode, 0, f"exit of {opens!r}: {ran.stderr}")
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.communicate(timeout=harness.WAIT)


def leads_somewhere(name, *folders):
    return any(os.path.exists(os.path.join(REPOSITORY, folder, name)) for folder in folders)


def test_links(_):
    for page in ("README.md", "daemon/README.md", "include/simlab/README.md", "proto/PROTOCOL.md",
                 "tests/golden/README.md"):
        with open(os.path.join(REPOSITORY, page), encoding="utf-8") as text:
            for link in re.findall(r"\]\(([^)]+)\)", text.read()):
                check("://" in link or leads_somewhere(link, os.path.dirname(page)), f"{page}: {link} leads nowhere")


def test_the_map_of_the_daemon_is_true(_):
    """Each file that daemon/README.md names is there, and every invariant has a file and a test."""
    with open(os.path.join(REPOSITORY, "daemon/README.md"), encoding="utf-8") as text:
        page = text.read()
    made = ("scratch/", "stores/", "run/workers", "libraries/offered.json")
    for name in re.findall(r"`((?:[a-z_0-9]+/)+(?:[a-z_0-9]+(?:\.[a-z0-9]+)?)?)`", page):
        check(leads_somewhere(name, "", "daemon") or name in made,
              f"daemon/README.md names {name}, which is not there")
    invariants = re.findall(r"^\d+\. \*\*.*", page.split("## 6.")[1].split("## 7.")[0], re.M)
    check(len(invariants) > 10, f"invariants: {invariants}")
    for line in invariants:
        kept, shown = re.search(r"Kept by (.*) Shown by (.*)", line).groups()
        check(re.search(r"`\w+/\w+\.[ch]`", kept) and "`tests/" in shown, line)


def test_ci_runs_the_test_command(_):
    """.ci/run finds the command in the README: here with a make that only says what it was asked."""
    folder = harness.tempfile.mkdtemp(prefix="simlab-ci-")
    try:
        with open(os.path.join(folder, "make"), "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\necho "asked to make $*"\n')
        os.chmod(os.path.join(folder, "make"), 0o755)
        ran = subprocess.run([os.path.join(REPOSITORY, ".ci/run")], text=True, capture_output=True, check=False,
                             env={**os.environ, "PATH": folder + ":" + os.environ["PATH"]}, timeout=harness.WAIT)
        equal((ran.returncode, ran.stdout.split("\n")[-2]), (0, "asked to make test"), "what .ci/run ran")
    finally:
        harness.shutil.rmtree(folder)


harness.main(globals())
