# SPDX-License-Identifier: Apache-2.0
"""Random jobs of tests/lib/varied.c: batches and single simulations with many encodings, members
that differ in size and length, save late, stop early, print, draw, fail and crash."""

TIMES = ("time", "some", "late", None)
FAILS, ABORTS, WRITES_NOWHERE, EXITS, IS_KILLED = 1, 2, 3, 4, 5
ATTEMPTS = 4  # of members that crash: each costs a worker
WORK_OF_A_SECOND = 150000  # thousands of the library's operations
COMPRESSORS = (None, {"id": "blosc", "cname": "zstd", "clevel": 3, "shuffle": 2},
               {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1}, {"id": "zlib", "level": 1},
               {"id": "zstd", "level": 3})
# Output: the ways its array may be stored, and its dims beside member and clock.
OUTPUTS = {"value": (("f8", "f4", ">f8"), 0), "vector": (("f8", "f4", "<f8"), 1), "grid": (("f4", "f8"), 2),
           "label": ((None,), 1), "count": (("i4", "i8", ">i2"), 0), "level": (("f8",), 1), "drawn": (("f8",), 0)}


def _clocks(drawn):
    steps = drawn.choice((3, 5, 8, 13))
    labels = list(range(steps + 1))
    return {"time": {"data": labels}, "some": {"data": labels[::2]}, "late": {"data": labels[-1:]}}


def _encoding(drawn, name, clock):
    dtypes, dims = OUTPUTS[name]
    if drawn.random() < 0.4:
        return {}
    found = {"compressor": drawn.choice(COMPRESSORS)}
    dtype = drawn.choice(dtypes)
    if dtype:
        found["dtype"] = dtype
    if drawn.random() < 0.7:  # chunks of several members, of one, of parts of one
        found["chunks"] = [drawn.choice((1, 2, 3, 7, 16)), *([drawn.choice((1, 2, 5))] if clock else []),
                           *(drawn.choice((2, 3, 8)) for _ in range(dims))]
    if dims and name != "label" and drawn.random() < 0.3:
        found["order"] = "F"
    return found


def _members(drawn, members, crashes):
    """Inputs along the batch dimension."""
    def each(values):
        return {"dims": ["b"], "data": [drawn.choice(values) for _ in range(members)]}
    inputs = {"m__size": each((4,)) if drawn.random() < 0.5 else each((1, 3, 4, 9)),
              "m__grows": each((0,)) if drawn.random() < 0.6 else each((0, 0, 1, 2)),
              "m__stops": each((10 ** 6,)) if drawn.random() < 0.6 else each((1, 2, 10 ** 6))}
    faults = {"m__fault": {"dims": ["b"], "data": [0] * members}}
    kinds = (FAILS,) if not crashes else (FAILS, ABORTS, WRITES_NOWHERE, EXITS, IS_KILLED)
    if drawn.random() < 0.5:
        for _ in range(drawn.randint(1, 4)):
            faults["m__fault"]["data"][drawn.randrange(members)] = drawn.choice(kinds)
    return {**inputs, **faults, "m__at": drawn.choice((0, 1, 2))}


def _settle_format(job, zarr_format):
    """Without what version 3 cannot say; of a job that has nothing else to save nothing is changed."""
    if zarr_format == 2 or list(job["outputs"]) == ["m__label"]:
        return
    for part in (job["outputs"], job["encoding"]):
        part.pop("m__label", None)
    for encoding in job["encoding"].values():
        if encoding.get("compressor") == {"id": "zlib", "level": 1}:
            del encoding["compressor"]
    job["zarr_format"] = zarr_format


def crashes(job):
    """Members that take their worker along."""
    given = job["inputs"]["m__fault"]
    return sum(f > FAILS for f in (given["data"] if isinstance(given, dict) else [given]))


def draw(drawn, *, seconds=(0, 0.2, 1), may_crash=True, members=None, has_hooks=True, zarr_format=None):
    """A job. seconds: that it may take one processor, or so; has_hooks: members are in C, which runs beside others."""
    members = members or drawn.choice((1, 2, 5, 17, 60, 150))
    clocks = _clocks(drawn)
    work = int(drawn.choice(seconds) * WORK_OF_A_SECOND / members / len(clocks["time"]["data"]))
    names = drawn.sample(sorted(OUTPUTS), drawn.randint(1, len(OUTPUTS)))
    outputs = {name: drawn.choice(TIMES) for name in names}
    job = {"model": {"processes": {"m": "varied.Member"}}, "clocks": clocks, "main_clock": "time",
           "batch_dim": "b", "inputs": {**_members(drawn, members, may_crash), "m__work": work},
           "outputs": {"m__" + name: clock for name, clock in outputs.items()},
           "encoding": {"m__" + name: _encoding(drawn, name, clock) for name, clock in outputs.items()},
           "stop_when": {"variable": "m__level", "above": 1}, "seed": drawn.randrange(1000)}
    if has_hooks and drawn.random() < 0.25:
        job.update({"scheduler": "threads", "threads": drawn.choice((2, 3)), "workers": drawn.choice((1, 2))})
    if has_hooks and drawn.random() < 0.3:
        job["hooks"] = drawn.choice((["varied.breaks"], ["varied.logs"], ["varied.logs", "varied.breaks"]))
    if drawn.random() < 0.2:
        job["attrs"] = {"title": "a batch of the soak"}
    job["max_attempts"] = ATTEMPTS if crashes(job) else 1000
    _settle_format(job, zarr_format or drawn.choice((2, 3, "both")))
    return job
