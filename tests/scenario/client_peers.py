#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whose daemon the command line speaks to where nobody named one: other accounts of the machine
listen where it looks, in namespaces of the network and of mounts, so that the default port and
/run are the test's own."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, WAIT

ROOT, THIEF, USER, SERVICE = 0, 61001, 61002, 61003

KEEPER = r"""
import fcntl, os, socket, struct, subprocess, sys
with socket.socket() as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 1 | 64))
subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
os.chmod("/run", 0o755)
print("ready", flush=True)
sys.stdin.read()
"""

# Listens at HOST PORT or at a path; prints what it hears as one line each, and answers {"jobs": []}.
SNIFFER = r"""
import os, socket, sys, threading
family = socket.AF_UNIX if len(sys.argv) == 2 else socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family)
if family == socket.AF_INET6:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
if family != socket.AF_UNIX:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(sys.argv[1] if family == socket.AF_UNIX else (sys.argv[1], int(sys.argv[2])))
if family == socket.AF_UNIX:
    os.chmod(sys.argv[1], 0o777)
s.listen()
def serve():
    while True:
        c, _ = s.accept()
        heard = c.recv(65536)
        print("heard", heard, flush=True)
        if heard:
            c.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"jobs": []}')
        c.close()
threading.Thread(target=serve, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def start(words, code, *arguments):
    """A Python program behind these words, once it says that it is ready; None where it cannot be."""
    process = subprocess.Popen([*words, "/usr/bin/python3", "-c", code, *arguments], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, bufsize=1)
    if process.stdout.readline() == "ready\n":
        return process
    process.communicate(timeout=WAIT)
    return None


def end(process):
    """What it has printed."""
    process.send_signal(signal.SIGTERM)
    return process.communicate(timeout=WAIT)[0]


class World:
    """The namespaces, a user with a token of an earlier daemon, and who listens."""

    def __init__(self, context):
        if os.geteuid() != 0:
            raise harness.Skip("only root can be several users")
        self.keeper = start(["unshare", "--net", "--mount", "--propagation", "private"], KEEPER)
        if not self.keeper:
            raise harness.Skip("namespaces of the network and of mounts cannot be made")
        self.folder = context.directory("peers")
        for path in (context.root, self.folder):
            os.chmod(path, 0o755)
        shutil.copy(context.program("simlab"), self.folder)
        self.home = self.make("home", USER)
        for name in (".local", ".local/state", ".local/state/simlabd"):
            self.state = self.make("home/" + name, USER)
        with open(os.path.join(self.state, "token"), "w", encoding="utf-8") as file:
            file.write("secret\n")
        os.chown(file.name, USER, USER)
        os.chmod(file.name, 0o600)

    def make(self, name, owner):
        path = os.path.join(self.folder, name)
        os.mkdir(path, 0o755)
        os.chown(path, owner, owner)
        return path

    def within(self, uid):
        user = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"] if uid else []
        return ["nsenter", "--target", str(self.keeper.pid), "--net", "--mount", *user]

    def listen(self, uid, *where):
        sniffer = start(self.within(uid), SNIFFER, *where)
        check(sniffer, f"nobody can listen at {where}")
        return sniffer

    def simlab(self, *arguments, uid=USER, stdin="", **environment):
        env = {"HOME": self.home if uid else self.folder, "PATH": "/usr/bin:/bin", **environment}
        if "ASAN_OPTIONS" in os.environ:
            env["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"]
        return subprocess.run([*self.within(uid), os.path.join(self.folder, "simlab"), *arguments], env=env, text=True,
                              input=stdin, capture_output=True, timeout=WAIT, check=False)

    def close(self):
        end(self.keeper)


def refused(ended, words):
    equal(ended.returncode, 3, f"exit: {ended.stdout}{ended.stderr}")
    check(words in ended.stderr, ended.stderr)


def test_a_port_of_another(context):
    """Nothing is said there, whatever the token and the listener's address."""
    world = World(context)
    for host in ("127.0.0.1", "0.0.0.0", "::"):
        thief = world.listen(THIEF, host, "7464")
        for environment in ({}, {"SIMLAB_TOKEN": "given"}):
            refused(world.simlab("jobs", **environment), f"is not yours: the user with uid {THIEF} listens there")
        heard = end(thief)
        check("Authorization" not in heard and "GET" not in heard, f"at {host} it heard {heard}")
    thief = world.listen(THIEF, "127.0.0.1", "7464")
    equal(world.simlab("--server", "http://127.0.0.1:7464", "jobs").returncode, 0, "exit where the server was named")
    equal(world.simlab("jobs", SIMLAB_SERVER="http://127.0.0.1:7464").returncode, 0, "exit where the server was named")
    equal(end(thief).count("Bearer secret"), 2, "tokens shown to who was named")
    world.close()


def test_a_port_of_ones_own(context):
    world = World(context)
    for owner in (USER, ROOT):
        for host in ("127.0.0.1", "::"):
            own = world.listen(owner, host, "7464")
            ended = world.simlab("jobs")
            equal(ended.returncode, 0, f"exit with the daemon of {owner} at {host}: {ended.stderr}")
            check("Bearer secret" in end(own), "no token shown")
    own = world.listen(USER, "127.0.0.1", "7464")
    refused(world.simlab("jobs", uid=ROOT), f"is not yours: the user with uid {USER}")
    check("GET" not in end(own), "root spoke to a user's daemon that it did not name")
    refused(world.simlab("jobs"), "cannot reach the daemon")
    world.close()


def test_sockets_come_first(context):
    """That of the runtime directory, that of the state directory, then the port."""
    world = World(context)
    port = world.listen(THIEF, "127.0.0.1", "7464")
    state = world.listen(USER, os.path.join(world.state, "socket"))
    equal(world.simlab("jobs").returncode, 0, "exit with a socket in the state directory")
    check("Bearer secret" in end(state), "no token shown")
    runtime = world.make("run", USER)
    world.make("run/simlabd", USER)
    path = os.path.join(runtime, "simlabd/simlabd.sock")
    own = world.listen(ROOT, path)
    equal(world.simlab("jobs", XDG_RUNTIME_DIR=runtime).returncode, 0, "exit with a socket in the runtime directory")
    check("Bearer secret" in end(own), "no token shown")
    os.unlink(path)
    os.chown(os.path.dirname(path), THIEF, THIEF)  # as where XDG_RUNTIME_DIR is /tmp
    thief = world.listen(THIEF, path)
    ended = world.simlab("jobs", XDG_RUNTIME_DIR=runtime)
    refused(ended, f"is passed over: the user with uid {THIEF} listens there")
    heard = end(thief) + end(port)
    check("GET" not in heard, f"a stranger heard {heard}")
    world.close()


def test_the_socket_of_the_machine(context):
    """Its daemon may have an account of its own: it gets no user's token but what that one names."""
    world = World(context)
    subprocess.run([*world.within(ROOT), "install", "-d", "-m", "755", "-o", str(SERVICE), "/run/simlabd"], check=True)
    service = world.listen(SERVICE, "/run/simlabd/simlabd.sock")
    ended = world.simlab("jobs")
    equal(ended.returncode, 0, f"exit: {ended.stderr}")
    equal(world.simlab("jobs", SIMLAB_TOKEN="given").returncode, 0, "exit with a token that was given")
    heard = end(service)
    check(heard.count("GET /v1/jobs") == 2 and "secret" not in heard and "Bearer given" in heard, heard)
    world.close()


def daemon(world, uid, home):
    """simlabd with nothing but defaults, once it is ready."""
    path = os.path.join(world.folder, f"notify.{uid}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        os.chmod(path, 0o777)
        notify.settimeout(WAIT)
        process = subprocess.Popen([*world.within(uid), os.path.join(world.folder, "simlabd"), "--workers", "0"],
                                   env={"HOME": home, "PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": path},
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while "READY=1" not in notify.recv(4096).decode().split("\n"):
            pass
    return process


def test_two_daemons_with_the_defaults(context):
    """Each account's command line finds its own; the port is the first one's."""
    world = World(context)
    for name in ("simlabd", "simlab-worker"):
        shutil.copy(context.program(name), world.folder)
    shutil.copytree(context.program("processes"), os.path.join(world.folder, "processes"))
    homes = {THIEF: world.make("other", THIEF), USER: world.make("mine", USER)}
    daemons = {uid: daemon(world, uid, home) for uid, home in homes.items()}
    for uid, home in homes.items():
        model = world.simlab("models", "create", "-", "--name", f"of-{uid}", uid=uid, HOME=home,
                             stdin=json.dumps({"processes": {"pop": "reference.Logistic"}}))
        equal(model.returncode, 0, f"exit: {model.stderr}")
        listed = world.simlab("models", uid=uid, HOME=home)
        equal([line.split()[0] for line in listed.stdout.splitlines()], ["NAME", f"of-{uid}"], f"models of {uid}: {listed.stderr}")
    os.unlink(os.path.join(homes[USER], ".local/state/simlabd/socket"))
    refused(world.simlab("jobs", HOME=homes[USER]), f"is not yours: the user with uid {THIEF} listens there")
    said = {uid: end_daemon(process) for uid, process in daemons.items()}
    check("7464" in said[USER] and "in use" in said[USER], f"no word of the port that is taken: {said[USER]}")
    world.close()


def end_daemon(process):
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=WAIT)[1]
    equal(process.returncode, 0, f"exit of simlabd: {said}")
    return said


harness.main(globals())
