#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Descriptors: connections keep within what there is, the others are told, and all goes on by
itself."""
import os
import resource
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, request, WAIT


def crowd(daemon, n):
    """Clients that connect and say nothing; those beyond the backlog are not let in."""
    host, _, port = daemon.tcp[len("tcp:"):].rpartition(":")
    clients = []
    for _ in range(n):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        client.connect_ex((host, int(port)))
        clients.append(client)
    return clients


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def closed(daemon, clients):
    """Once the daemon has seen them leave."""
    for client in clients:
        client.close()


def test_a_crowd_leaves_room_and_others(context):
    daemon = context.daemon(workers=0, nofile=256)
    rest = descriptors(daemon)
    clients = crowd(daemon, 300)
    daemon.await_line("tcp:.* all .* connections are in use")
    check(descriptors(daemon) < 200, f"{descriptors(daemon)} descriptors of 256")
    daemon.request("GET", "/v1/jobs", status=200)  # the other listener
    told = daemon.request("GET", "/readyz", status=503).json
    check("no more connections are accepted" in told["reason"], f"{told}")
    closed(daemon, clients)
    daemon.await_line("tcp:.* accepted again")
    equal(request(daemon.tcp, "GET", "/healthz").status, 200, "health over TCP")
    equal(daemon.request("GET", "/readyz").status, 200, "readiness")
    lines = [line for line in daemon.lines if "are in use" in line]
    equal(len(lines), 1, f"lines that say so: {lines}")
    check(descriptors(daemon) <= rest + 2, f"{descriptors(daemon)} descriptors, {rest} at rest")


def test_who_idles_makes_room_for_who_asks(context):
    daemon = context.daemon(workers=0, nofile=256)
    clients = crowd(daemon, 70)  # more than fit, and not twice as many
    daemon.await_line("tcp:.* all .* connections are in use")
    equal(request(daemon.tcp, "GET", "/healthz").status, 200, "health beside those who say nothing")
    closed(daemon, clients)


def test_out_of_descriptors_for_a_while(context):
    """However it came to that: it accepts again by itself."""
    daemon = context.daemon(workers=0)
    pid = daemon.process.pid
    daemon.await_line("worker local-closer.1 .*: ready")  # and so what its start needed is closed
    daemon.await_line("process types")
    allowed = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    taken = {int(number) for number in os.listdir(f"/proc/{pid}/fd")}
    next_one = min(set(range(len(taken) + 1)) - taken)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (next_one, allowed[1]))
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(WAIT)
    client.connect(daemon.socket)
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    daemon.await_line("cannot accept a connection: Too many open files")
    spent = daemon.processor_seconds()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, allowed)
    check(client.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200", "an answer to who had to wait")
    check(daemon.processor_seconds() - spent < 1, "it spins")
    client.close()


harness.main(globals())
