# SPDX-License-Identifier: Apache-2.0
"""Disks of a test's own: small ones that fill up, and ones whose power is cut. They are mounted in
a mount namespace of the program, so that none is left over: call enter_namespace() first."""
import contextlib
import fcntl
import os
import struct
import subprocess
import sys
import time

import harness

OWN = "SIMLAB_TEST_OWN_MOUNTS"
SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32): of ext4, XFS, f2fs
NOTHING_FLUSHED, LOG_FLUSHED = 2, 1
MAKE = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}
CHECK = {"ext4": ("e2fsck", "-p"), "xfs": ("true",)}  # XFS replays its log when it is mounted
PAUSE = 0.05  # seconds until a busy disk is tried again


def enter_namespace():
    """Runs this program again in a mount namespace; goes on without where there may be none."""
    command = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    with contextlib.suppress(OSError):
        if OWN not in os.environ and subprocess.run([*command, "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0:
            os.environ[OWN] = "1"
            os.execvp(command[0], [*command, sys.executable, "-B", *sys.argv])


def run(*words):
    return subprocess.run(words, check=False, capture_output=True, text=True)


def mount_image(image, path):
    """None, or why not. A loop device tells a write of which a part found no room as done (seen with
    Linux 6.18), so none of its writes is longer than a page: it fails or is done as a whole."""
    made = run("losetup", "--find", "--show", image)
    if made.returncode != 0:
        return made.stderr.strip()
    device = made.stdout.strip()
    try:
        with open(f"/sys/block/{os.path.basename(device)}/queue/max_sectors_kb", "w", encoding="utf-8") as file:
            file.write("4")
        mounted = run("mount", device, path)
        return None if mounted.returncode == 0 else mounted.stderr.strip()
    except OSError as error:
        return str(error)
    finally:
        run("losetup", "--detach", device)  # as soon as it is not mounted


def _fill(path, free):
    with open(path, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        if free:
            file.truncate(max(0, file.tell() - free))


class Small:
    """In memory, of so many bytes. fill(n): a file leaves n bytes free."""

    def __init__(self, context, size):
        if OWN not in os.environ:
            raise harness.Skip("no mount namespaces here")
        self.path = context.directory("disk")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.path], check=True)
        self.filler = os.path.join(self.path, "filler")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.path], check=True)

    def fill(self, free=0):
        _fill(self.filler, free)

    def empty(self):
        os.unlink(self.filler)


class Powered:
    """A loop device of ext4 or xfs, of so many megabytes; its image lies in `folder`."""

    def __init__(self, context, kind, megabytes, folder=None):
        if OWN not in os.environ:
            raise harness.Skip("no mount namespaces here")
        self.kind, self.path = kind, context.directory("disk")
        self.image = os.path.join(folder or context.directory("image"), kind)
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        made = run(*MAKE[kind], self.image)
        harness.check(made.returncode == 0, f"{MAKE[kind]}: {made.stderr}")
        fault = mount_image(self.image, self.path)
        if fault:
            raise harness.Skip(f"no loop device with {kind} can be had: {fault}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        run("umount", "--lazy", self.path)

    def cut(self, how=NOTHING_FLUSHED):
        """From now on all of it fails; what was not on the disk is lost."""
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", how))
        finally:
            os.close(fd)

    def mount_again(self):
        """Who used it has ended, or soon will have."""
        end = time.monotonic() + harness.WAIT
        while (gone := run("umount", self.path)).returncode != 0:
            harness.check(time.monotonic() < end, f"{self.path} cannot be unmounted: {gone.stderr}")
            time.sleep(PAUSE)
        checked = run(*CHECK[self.kind], self.image)
        harness.check(checked.returncode in (0, 1), f"{self.kind} is broken: {checked.stdout} {checked.stderr}")
        fault = mount_image(self.image, self.path)
        harness.check(not fault, f"not mounted again: {fault}")
