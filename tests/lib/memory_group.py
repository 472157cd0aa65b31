# SPDX-License-Identifier: Apache-2.0
"""Short memory: control groups with a limit."""
import contextlib
import os

from harness import Skip, await_true


@contextlib.contextmanager
def memory_group(limit):
    """The directory of a memory control group below ours."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        groups = dict(line.rstrip("\n").split(":", 2)[1:] for line in file)
    one = f"/sys/fs/cgroup/memory{groups.get('memory', '')}"
    two = f"/sys/fs/cgroup{groups.get('', '')}"
    parent, name = (one, "memory.limit_in_bytes") if "memory" in groups else (two, "memory.max")
    path = os.path.join(parent, f"simlab-test-{os.getpid()}")
    try:
        os.mkdir(path)
        with open(os.path.join(path, name), "w", encoding="utf-8") as file:
            file.write(str(limit))
    except OSError as error:
        with contextlib.suppress(OSError):
            os.rmdir(path)
        raise Skip(f"no memory control group to be had: {error}") from error
    try:
        yield path
    finally:
        await_true(lambda: not open(os.path.join(path, "cgroup.procs"), encoding="utf-8").read(), "an empty group")
        os.rmdir(path)


def kills_of(path):
    """Processes that the system has killed in the group for want of memory: now and then more than the one that eats."""
    name = "memory.events" if os.path.exists(os.path.join(path, "memory.events")) else "memory.oom_control"
    with open(os.path.join(path, name), encoding="utf-8") as file:
        return int(dict(line.split() for line in file)["oom_kill"])


def begun_in(path):
    """What to start a program with, so that it and all that it starts are in the group."""
    return ["sh", "-c", f'echo $$ >{path}/cgroup.procs && exec "$@"', "sh"]
