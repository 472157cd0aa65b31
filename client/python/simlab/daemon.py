# SPDX-License-Identifier: Apache-2.0
"""Runs through a daemon, by the program simlab: it finds the daemon, and knows what it may be told
(simlab(1): SIMLAB_SERVER, SIMLAB_TOKEN, the sockets of this user and machine)."""

import json
import subprocess
import sys

UNREACHABLE = 3
TRIES = 3  # somebody may push a module of the same name between our push and our job


class Client:
    """The program, and the daemon that it is to speak to."""

    def __init__(self, program="simlab", server=None, folder=None):
        self.words = [program] + (["--server", server] if isinstance(server, str) else [])
        self.folder = folder

    def call(self, *words, text=None, **how):
        how = {"stderr": subprocess.PIPE, **how}
        return subprocess.run([*self.words, *words], input=text, text=True, cwd=self.folder,
                              stdout=subprocess.PIPE, check=False, **how)

    def asked(self, *words, text=None):
        """The answer; what was refused is raised."""
        ended = self.call(*words, text=text)
        if ended.returncode != 0:
            raise Refused(ended.returncode, ended.stderr)
        return ended.stdout

    def takes_modules(self):
        """Whether there is a daemon that takes them."""
        try:
            ended = self.call("models", "pushed", "--json")
        except FileNotFoundError:
            return False
        return ended.returncode == 0 and json.loads(ended.stdout).get("may_push", False)


class Refused(Exception):
    def __init__(self, status, said):
        super().__init__(said.strip())
        self.status, self.said = status, said


def _push(client, modules, environment):
    pushed = {}
    for path in modules:
        words = ["--environment", environment] if environment else []
        answer = json.loads(client.asked("models", "push", "--json", *words, path))
        pushed[answer["name"]] = answer["sha256"]
    return pushed


def submit(client, document, modules, store=None):
    """Pushes the modules, submits the job for just these, and returns its number."""
    words = ["--store", store] if store else []
    for left in reversed(range(TRIES)):
        libraries = {**document.get("libraries", {}), **_push(client, modules, document.get("environment"))}
        text = json.dumps({**document, "libraries": libraries}, allow_nan=False)
        try:
            return client.asked("submit", "-", *words, text=text).strip()
        except Refused as refused:
            if not left or "libraries: of " not in refused.said:
                raise


def wait(client, number, progress):
    """Waits for the end, and returns the job; who interrupts cancels it."""
    try:
        ended = client.call("wait", number, stderr=None if progress else subprocess.PIPE)
    except KeyboardInterrupt:
        client.call("cancel", number)
        raise
    if not progress:
        lines = (ended.stderr or "").splitlines(keepends=True)
        sys.stderr.write("".join(line for line in lines if line.startswith("simlab: member")))
    return json.loads(client.asked("status", "--json", number))
