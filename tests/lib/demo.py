#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`make demo`: a daemon in a fresh state directory with two workers, the sweep of landscapes, a
picture of its end. The store and the picture stay in the build directory; the rest is removed."""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
JOB = os.path.join(ROOT, "daemon/processes/landscape/demo.json")


def start(build, state):
    """The daemon, when it says that it is ready: the write end of a pipe is all it holds of us."""
    socket = os.path.join(state, "demo.sock")
    daemon = subprocess.Popen(
        [os.path.join(build, "simlabd"), "--state", state, "--listen", "unix:" + socket, "--workers", "2",
         "--processes", os.path.join(build, "processes"), "--store-root", build],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = []
    for line in daemon.stderr:
        said.append(line)
        if "listening on unix:" in line:
            return daemon, "unix:" + socket
    sys.stderr.write("".join(said))
    sys.exit(f"simlabd ended with {daemon.wait()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    build = os.path.abspath(parser.parse_args().build)
    store, picture = os.path.join(build, "demo.zarr"), os.path.join(build, "demo.png")
    shutil.rmtree(store, ignore_errors=True)
    state = tempfile.mkdtemp(prefix="simlab-demo-")
    daemon = None
    # A signal ends us as an exception, so that the daemon goes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        daemon, server = start(build, state)
        simlab = [os.path.join(build, "simlab"), "--server", server]
        subprocess.run([*simlab, "run", JOB, "--store", "demo.zarr"], check=True)
        subprocess.run([*simlab, "plot", store, "topography__elevation", "-o", picture], check=True)
        print(f"Picture: {picture}", flush=True)
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    finally:
        if daemon:
            daemon.terminate()
            rest = daemon.communicate()[1]
            if daemon.returncode != 0 or sys.exc_info()[0]:
                sys.stderr.write(rest)
        shutil.rmtree(state, ignore_errors=True)
    return 0


sys.exit(main())
