# SPDX-License-Identifier: Apache-2.0
"""Calls fail, kill or stop the program that makes them, now here, now there: of the daemon, of its
workers, of what describes libraries (tests/lib/fault). The clock is set, and all are killed and
stopped beside."""
import contextlib
import os
import signal
import time

import countdown
import kills
from fault_page import FaultPage
from patience import Patient
from turn import Disturber, Jobs

MOST = 20
WHO = (countdown.DAEMON, countdown.WORKER, countdown.WORKER, countdown.DESCRIBER)
SECONDS = (0.2, 0.5, 1.0)
STOPPED = (0.1, 0.5, 18.0)
CLOCKS = (0, -1, 1, -3600, 3600, -86400, 86400, 400 * 86400)  # seconds that it is set forward


class Calls:
    def __init__(self, page):
        self.page = page

    def fault(self, drawn):
        who, operation = drawn.choice(WHO), drawn.choice(("malloc", *countdown.OPERATIONS))
        how = drawn.choice((*countdown.errors_of(operation), "KILL", "STOP"))
        nth, count = int(10 ** drawn.uniform(0, 3)), drawn.choice((1, 1, 1, 3))
        self.page.set(operation, nth, how, program=who[0], role=who[1], count=count)
        time.sleep(drawn.choice(SECONDS))
        self.page.clear()
        if how == "STOP" and self.page.pid:
            time.sleep(drawn.choices(STOPPED, (6, 3, 1))[0])
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.page.pid, signal.SIGCONT)
        return f"{' '.join(who)} {operation} {nth} (of {self.page.seen}) {how} x {count}: {self.page.hits} {self.page.told}"

    def clock(self, drawn):
        seconds = drawn.choice(CLOCKS)
        self.page.set_clock(seconds)
        return f"set the clock {seconds} s forward"


def acts_of(page, daemon, longest=max(kills.FROZEN)):
    """Everything that is done to it, of all kinds."""
    calls, acts = Calls(page), kills.Acts(daemon, longest)
    return [calls.fault] * 6 + [calls.clock] * 3 + [acts.kill_worker, acts.kill_daemon, acts.kill_all, acts.freeze]


def turn(context, drawn):
    options = ["--processes", context.program("varied"), "--sandbox", "off"]  # nobody in it may stop itself
    jobs = Jobs(context, drawn, 4, may_crash=False)
    page = FaultPage(context)
    daemon = context.daemon(workers=drawn.randint(1, 3), options=options, env=page.environment())
    patient = Patient(daemon)
    with Disturber(drawn, acts_of(page, daemon), MOST) as disturber:
        jobs.submit(patient)
        return jobs.settle(patient, disturber)
