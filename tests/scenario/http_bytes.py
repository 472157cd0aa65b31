#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Requests byte by byte: what two readers could take for different things is refused with a problem
document, and connections stay in step."""
import json
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN, WAIT


def opened(daemon, tcp=False):
    if tcp:
        host, _, port = daemon.tcp[len("tcp:"):].rpartition(":")
        client = socket.create_connection((host, int(port)))
    else:
        client = socket.socket(socket.AF_UNIX)
        client.connect(daemon.socket)
    client.settimeout(WAIT)
    return client


def answers_to(daemon, sent, tcp=False):
    """All that comes back until the daemon closes."""
    client = opened(daemon, tcp)
    try:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it has answered before it read all
    got = b""
    try:
        while piece := client.recv(65536):
            got += piece
    except ConnectionResetError:
        pass
    client.close()
    return got


def refused(daemon, sent, status, tcp=False):
    got = answers_to(daemon, sent, tcp)
    head, _, body = got.partition(b"\r\n\r\n")
    check(head.startswith(b"HTTP/1.1 %d " % status), f"{sent[:100]!r}: {got[:300]!r}, expected {status}")
    check(b"application/problem+json" in head, f"{sent[:100]!r}: no problem document: {head!r}")
    equal(json.loads(body)["status"], status, "status in the document")


GET = b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n"


def test_what_the_library_would_not_see(context):
    daemon = context.daemon(workers=0)
    job = json.dumps(load(GOLDEN, "advect", "job.json")).encode()
    length = b"Content-Length: %d\r\n" % len(job)
    for sent in (b"GET /v1/jobs\0/1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 b"GET /v1/jobs?limit=1\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 b"GET /v1/jobs?limit=1&state=\0&x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 b"GET  /v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 POST + length + b"Idempotency-Key: a\0b\r\n\r\n" + job,
                 POST + length + b"Idempotency-Key: a\0\r\nX: y\r\n\r\n" + job,
                 GET + b"X: y\r\n folded\r\n\r\n",
                 GET + b"X: y\r\n\tfolded\r\n\r\n",
                 GET + b"Content-Length : 0\r\n\r\n",
                 GET + b"\0hidden: line\r\n\r\n",
                 GET + b"X: y\r\n\0\r\n\r\n"):
        refused(daemon, sent, 400)
    token = daemon.token.encode()
    refused(daemon, GET + b"Authorization: Bearer " + token + b"\0x\r\n\r\n", 400, tcp=True)
    refused(daemon, GET + b"Authorization: Bearer " + token + b"\r\nX: \0\r\n\r\n", 400, tcp=True)
    equal(daemon.request("GET", "/v1/jobs", status=200).json["jobs"], [], "jobs")


def test_what_stands_twice(context):
    daemon = context.daemon(workers=0)
    for headers in (b"Host: other\r\n", b"Host: localhost\r\n", b"Content-Length: 2\r\nContent-Length: 3\r\n",
                    b"Content-Length: 2\r\nContent-Length: 2\r\n",
                    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"):
        refused(daemon, POST + headers + b"\r\n{}", 400)
    for coding in (b"gzip", b"gzip, chunked", b"identity", b"chunked, chunked", b""):
        refused(daemon, POST + b"Transfer-Encoding: " + coding + b"\r\n\r\n{}", 501)
    refused(daemon, b"GET /" + b"a" * 10000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414)
    refused(daemon, GET + b"".join(b"X%d: %s\r\n" % (i, b"y" * 1000) for i in range(40)) + b"\r\n", 431)
    equal(daemon.request("GET", "/v1/jobs", status=200).json["jobs"], [], "jobs")


def test_lengths_that_are_no_numbers(context):
    """The library refuses them by itself, with a page of its own."""
    daemon = context.daemon(workers=0)
    for length, status in ((b"2, 2", 400), (b"2,2", 400), (b"-1", 400), (b"+2", 400), (b"0x2", 400), (b"2 2", 400),
                           (b"", 400), (b"18446744073709551616", 413)):
        got = answers_to(daemon, POST + b"Content-Length: " + length + b"\r\n\r\n{}" + GET + b"\r\n")
        check(b"HTTP/1.1 2" not in got, f"{length}: {got!r}")  # what follows is not taken for a request
        check(got.startswith(b"HTTP/1.1 %d " % status), f"{length}: {got[:300]!r}, expected {status}")
    equal(daemon.request("GET", "/v1/jobs", status=200).json["jobs"], [], "jobs")


def test_plain_requests_pass(context):
    """What is whole is not refused, however it is written."""
    daemon = context.daemon(workers=0)
    for sent in (GET + b"Connection: close\r\n\r\n",
                 b"GET /v1/jobs HTTP/1.1\nHost: x\nConnection: close\n\n",
                 b"\r\n\r\n" + GET + b"Connection:close\r\n\r\n",
                 GET + b"Empty:\r\nBlank: \r\nTabbed:\t y\r\nConnection:   close\r\n\r\n",
                 b"GET /v1/jobs?limit=1&state=queued&x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 b"GET /v1/jobs?limit=%31 HTTP/1.1\r\nCookie: a=b; c=d\r\nHost: x\r\nConnection: close\r\n\r\n",
                 b"GET /v1/jobs HTTP/1.0\r\n\r\n"):
        got = answers_to(daemon, sent)
        check(got.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 ")), f"{sent!r}: {got[:300]!r}")
    in_line = GET + b"\r\n" + POST + b"Content-Length: 2\r\n\r\n{}" + GET + b"Connection: close\r\n\r\n"
    got = answers_to(daemon, in_line)
    equal([part[:3] for part in got.split(b"HTTP/1.1 ")[1:]], [b"200", b"422", b"200"], "answers in a row")


def test_head_of_a_stream_has_no_body(context):
    daemon = context.daemon(workers=0)
    daemon.submit(load(GOLDEN, "advect", "job.json"))
    daemon.request("POST", "/v1/jobs/1/cancel", status=200)
    got = answers_to(daemon, b"HEAD /v1/jobs/1/events HTTP/1.1\r\nHost: x\r\n\r\n"
                     b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, rest = got.partition(b"\r\n\r\n")
    check(head.startswith(b"HTTP/1.1 200 ") and b"text/event-stream" in head, f"{got!r}")
    check(rest.startswith(b"HTTP/1.1 200 "), f"out of step: {rest!r}")


def test_a_chunk_without_an_end_is_cut(context):
    """The library spins on it; the connection is shut down, not borne for half a minute."""
    daemon = context.daemon(workers=0)
    spent = daemon.processor_seconds()
    begin = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2;"
    for size in (200000, 65536 - len(begin)):  # with bytes that are never read, and as many as find room
        client = opened(daemon, tcp=True)
        try:
            client.sendall(begin + b"a" * size)
            while client.recv(65536):
                pass
        except OSError:
            pass
        client.close()
    left = opened(daemon, tcp=True)  # and one that leaves
    try:
        left.sendall(begin + b"a" * 200000)
    except OSError:
        pass
    left.close()
    daemon.request("GET", "/healthz", status=200)
    spent = daemon.processor_seconds() - spent
    check(spent < 8, f"{spent} s of processor time")


def test_problems_show_what_a_terminal_would_obey(context):
    daemon = context.daemon(workers=0)
    answer = daemon.request("GET", "/v1/models/%E2%80%AE%C2%9B31m%7F", status=404)
    check(b"\\u202E\\u009B31m\\u007F" in answer.body, f"{answer.body!r}")
    check(all(0x20 <= byte < 0x7f for byte in answer.body), f"{answer.body!r}")


harness.main(globals())
