# SPDX-License-Identifier: Apache-2.0
"""Failure as a fixture: the Nth call of a kind fails, or the process dies or stops at it, in the
programs that are started with a page's environment. tests/lib/fault/fault.h tells the kinds."""
import errno
import mmap
import os
import signal
import struct

# struct fault_page: operation, program, role, path, nth, end, how, pid, seen, hits, told
LAYOUT = struct.Struct("=16s32s32s256sqqiiqq256s")
CLOCK = struct.Struct("=q")  # clock_seconds, right behind
SIZE = LAYOUT.size + CLOCK.size
SHORT = 1000  # half of it is written
SIGNALS = {"KILL": -signal.SIGKILL, "STOP": -signal.SIGSTOP}


def number_of(how):
    """Of "EIO", "KILL", "STOP", "SHORT"."""
    if how == "SHORT":
        return SHORT
    return SIGNALS.get(how) or getattr(errno, how)


class FaultPage:
    """A fault may be set and taken away while programs run."""

    def __init__(self, context):
        self.library = context.program("fault/fault.so")
        self.path = context.path("fault")
        with open(self.path, "w+b") as file:
            file.truncate(SIZE)
            self.map = mmap.mmap(file.fileno(), SIZE)

    def environment(self):
        sanitizer = os.environ.get("ASAN_OPTIONS")
        return {"LD_PRELOAD": self.library, "SIMLAB_FAULT_PAGE": self.path,
                # It is loaded first, so that allocations pass it too.
                "ASAN_OPTIONS": (sanitizer + ":" if sanitizer else "") + "verify_asan_link_order=0"
                                ":allocator_may_return_null=1"}

    def set(self, operation, nth, how, *, program="", role="", path="", count=1):
        """Calls nth … nth+count-1 of `operation`, from now on and by all that fit together."""
        self.clear()
        text = LAYOUT.pack(operation.encode(), program.encode(), role.encode(), path.encode(), nth,
                           nth + count, number_of(how), 0, 0, 0, b"")
        self.map[16:LAYOUT.size] = text[16:]
        self.map[:16] = text[:16]

    def clear(self):
        """No fault is set; what was counted stays."""
        self.map[:16] = bytes(16)

    def set_clock(self, seconds):
        """The time of day, so far ahead of what it is; it goes on from there."""
        CLOCK.pack_into(self.map, LAYOUT.size, seconds)

    def _fields(self):
        return LAYOUT.unpack(self.map[:LAYOUT.size])

    @property
    def pid(self):
        """That was hit first; 0: none."""
        return self._fields()[7]

    @property
    def seen(self):
        """Calls that were counted."""
        return self._fields()[8]

    @property
    def hits(self):
        return self._fields()[9]

    @property
    def told(self):
        """The path that the first hit was about."""
        return self._fields()[10].rstrip(b"\0").decode(errors="replace")
