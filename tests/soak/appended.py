# SPDX-License-Identifier: Apache-2.0
"""Members are appended to open batches, a part at a time, while daemon, workers and guards are killed
and stopped, their calls fail, and the clock is set: the stores are those of undisturbed runs of the whole documents, byte for byte, with the
same members dead."""
import batches
import calls
import kills
from fault_page import FaultPage
from patience import Patient
from turn import Disturber, Wanted, look_for_bugs

COLUMNS = ("m__size", "m__grows", "m__stops", "m__fault")


def cut(drawn, job, members):
    """The job with its first members, and what is appended: parts of the others."""
    at = sorted({drawn.randrange(1, members) for _ in range(drawn.randint(1, 6))})
    data = {name: job["inputs"][name]["data"] for name in COLUMNS}
    data["m__fault"][0] = 0  # a batch that has failed takes no more
    first = {name: {"dims": ["b"], "data": values[:at[0]]} for name, values in data.items()}
    parts = [{"inputs": {name: values[begin:end] for name, values in data.items()}} for begin, end in zip(at, [*at[1:], members])]
    return {**job, "inputs": {**job["inputs"], **first}, "open": drawn.choice((True, 1, 50, 1000))}, parts


class Appended(Wanted):
    def __init__(self, context, drawn, libraries, **how):
        self.total = drawn.choice((5, 17, 60, 150))
        whole = batches.draw(drawn, members=self.total, may_crash=False, **how)
        self.first, self.parts = cut(drawn, whole, self.total)
        super().__init__(context, {**self.first, "appended": self.parts}, libraries)
        self.members = self.total  # not those that it was opened with
        self.state = "partial" if self.dead else "succeeded"

    def append(self, patient, k):
        """Once, whatever happens."""
        path, key = f"/v1/jobs/{self.number}/members", {"Idempotency-Key": f"part-{k}"}

        def attempt():
            answer = patient.daemon.request("POST", path, self.parts[k], key)
            return None if patient.busy(answer) else answer
        patient.until(attempt)


def turn(context, drawn, most=kills.MOST, longest=max(kills.FROZEN), jobs=3, **how):
    """How often they were disturbed."""
    directory = context.program("varied")
    page = FaultPage(context)
    daemon = context.daemon(workers=drawn.randint(1, 3), options=["--processes", directory], env=page.environment())
    patient = Patient(daemon)
    wanted = [Appended(context, drawn, [directory], **how) for _ in range(jobs)]
    with Disturber(drawn, calls.acts_of(page, daemon, longest), most) as disturber:
        for i, one in enumerate(wanted):
            one.number = patient.submit(one.first, f"appended-{i}")
        for k in range(max(len(one.parts) for one in wanted)):
            for one in wanted:
                if k >= len(one.parts):
                    continue
                if drawn.random() < 0.5:  # while it runs, or after it has ended
                    patient.end(one.number)
                one.append(patient, k)
        for one in wanted:
            patient.end(one.number)
        disturber.end()
        for one in wanted:
            one.compare(patient)
        patient.stop()
        look_for_bugs(daemon)
        return len(disturber.told)
