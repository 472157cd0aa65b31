# SPDX-License-Identifier: Apache-2.0
"""A server that answers as a test says, over TCP or a Unix socket: for what a real daemon does only
on bad days. It records every request."""
import http.server
import json
import os
import socketserver
import threading


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        fake = self.server.fake
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        with fake.changed:
            fake.requests.append((self.command, self.path, self.headers, body))
            route = fake.routes.get((self.command, self.path))
            if isinstance(route, list):
                route = route.pop(0) if len(route) > 1 else route[0]
            fake.changed.notify_all()
        if route is None:
            route = 404, {"title": "There is no such thing", "detail": f"no {self.path}"}
        if callable(route):
            route = route(self, body)
        if route is not None:
            self.reply(*route)

    do_GET = do_POST = do_DELETE = _answer

    def reply(self, status, body=None, headers=()):
        if status is None:  # not a word: the connection is lost
            self.close_connection = True
            return
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, pieces):
        """An event stream of these bytes, each piece sent by itself; the connection ends with it."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()
        self.close_connection = True

    def address_string(self):
        return "client"

    def log_message(self, *_):
        pass


class _Tcp(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = daemon_threads = True


class _Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Fake:
    """`where`: a path, or (host, port). routes: (method, path) → (status, body[, headers]), a
    function of the handler and the body that gives one or answers itself, or a list of these, of
    which the last stays. A status of None drops the connection."""

    def __init__(self, where):
        self.where, self.routes, self.requests = where, {}, []
        self.changed = threading.Condition()
        self.server = None
        self.start()

    def start(self):
        if isinstance(self.where, str):
            if os.path.exists(self.where):
                os.unlink(self.where)
            self.server = _Unix(self.where, _Handler)
            self.url = "unix:" + self.where
        else:
            self.server = _Tcp(self.where, _Handler)
            self.where = self.server.server_address
            self.url = "http://%s:%d" % self.where
        # A client that has gone away is no fault of the test.
        self.server.handle_error = lambda *_: None
        self.server.fake = self
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def await_request(self, matches, wait):
        """The first request (method, path, headers, body) that matches."""
        def found():
            return next((r for r in self.requests if matches(r)), None)
        with self.changed:
            return self.changed.wait_for(found, wait)

    def paths(self, method):
        return [r[1] for r in self.requests if r[0] == method]
