#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of variable, every dtype, every stage, and how they stand in the store, as
xarray-simlab has them: numbers are computed here again, stores are opened by zarr-python and xarray
without a warning. The library is tests/lib/kinds.c."""
import os
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

import numpy as np  # pylint: disable=wrong-import-position

with warnings.catch_warnings():  # what other modules say while they are loaded is not about us
    warnings.simplefilter("ignore")
    import dask.array  # noqa: F401  pylint: disable=unused-import,wrong-import-position
    import xarray  # pylint: disable=wrong-import-position
    import zarr  # pylint: disable=wrong-import-position
warnings.simplefilter("error")
warnings.simplefilter("ignore", ResourceWarning)  # of zarr-python and of subprocess

NAN = np.nan


def document(processes, outputs=(), inputs=None, clock=(0.0, 1.0, 2.0, 3.0), **more):
    """A job on the clock "time"; outputs named only are saved on it."""
    if not isinstance(outputs, dict):
        outputs = {name: "time" for name in outputs}
    return {"model": {"processes": {n: "kinds." + t for n, t in processes.items()}},
            "clocks": {"time": {"data": list(clock)}}, "main_clock": "time",
            "inputs": inputs or {}, "outputs": outputs, **more}


def run(context, job, code=0):
    return context.run_local(job, code, ["--processes", context.program("kinds")])


def zarr_of(store):
    """name → array, of the consolidated metadata, which must be those that stand beside them."""
    group, plain = zarr.open_consolidated(store, mode="r"), zarr.open_group(store, mode="r")
    arrays = dict(group.arrays())
    equal(sorted(arrays), sorted(n for n, _ in plain.arrays()), "arrays in the consolidated metadata")
    for name, array in arrays.items():
        equal(array.shape, plain[name].shape, f"shape of {name} in the consolidated metadata")
        equal(len(array.attrs["_ARRAY_DIMENSIONS"]), array.ndim, f"dims of {name}")
    return arrays


def values(context, job):
    store, _ = run(context, job)
    return {name: array[...] for name, array in zarr_of(store).items()}


def dataset(store, **options):
    return xarray.open_zarr(store, consolidated=True, **options).load()


def same(got, want, what):
    got, want = np.asarray(got), np.asarray(want)
    check(got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}")
    check(np.array_equal(got, want, equal_nan=want.dtype.kind in "fc"),
          f"{what}:\n{got}\nexpected\n{want}")


def refused(context, job, *words):
    _, ended = run(context, job, 2)
    for word in words:
        check(word in ended.stderr, f"{word!r} is not in {ended.stderr!r}")


def fails(context, job, *words):
    store, ended = run(context, job, 1)
    for word in words:
        check(word in ended.stderr, f"{word!r} is not in {ended.stderr!r}")
    return store, ended.stderr


# ---- references -----------------------------------------------------------------------------------


def test_references(context):
    """All lead to one value; what they lead through need not be in the model."""
    forcing = {"dims": ["time"], "data": [1.0, 2.0, 3.0, 4.0]}
    for source in ("Source", "SubSource"):
        processes = {"far": "Far", "of_global": "OfGlobal", "glob": "Global", "near": "Near", "s": source}
        outputs = ["near__got", "far__got", "glob__got", "of_global__got", "far__z", "of_global__q", "s__v"]
        default = 3.0 if source == "Source" else 7.0
        for given, seen in ((None, [default] * 3), (forcing, [1.0, 2.0, 3.0])):
            got = values(context, document(processes, outputs, {"s__v": given} if given else {}))
            for name in ("near", "far", "glob", "of_global"):
                same(got[name + "__got"], [2 * s for s in seen] + [2 * seen[-1]], f"{source} {name}")
            for name in ("far__z", "of_global__q", "s__v"):
                same(got[name], seen + [seen[-1]], f"{source} {name}")
        alone = {"f": "Far", "s": source}
        same(values(context, document(alone, ["f__got"]))["f__got"], [2 * default] * 4, "without Near")
    same(values(context, document({"q": "OfGlobal", "s": "Source"}, ["q__got"]))["q__got"], [6.0] * 4,
         "without Global")


def test_a_global_reference_sets(context):
    job = document({"far": "Far", "set": "SetsGlobal", "s": "Source"}, ["far__got", "s__v", "set__target"])
    got = values(context, job)
    check("s__v" in got, "stored")
    same(got["far__got"], [200.0, 202.0, 204.0, 204.0], "what is set in the step is seen in it")
    same(got["s__v"], [100.0, 101.0, 102.0, 102.0], "the variable itself")
    same(got["set__target"], got["s__v"], "the reference")
    refused(context, {**job, "inputs": {"s__v": 1}}, "s__v", "'set'")


def test_references_that_lead_nowhere(context):
    refused(context, document({"n": "Near"}), "'n'", "'w'", "kinds.Source")
    refused(context, document({"g": "Global"}), "'g'", "source_v")
    refused(context, document({"n": "Near", "a": "Source", "b": "SubSource"}), "'a'", "'b'")
    refused(context, document({"g": "Global", "a": "Source", "b": "SubSource"}), "source_v", "a__v", "b__v")
    refused(context, document({"a": "SetsGlobal", "b": "SetsGlobal", "s": "Source"}), "s__v", "a__target",
            "b__target")


# ---- groups -----------------------------------------------------------------------------------------


def test_groups(context):
    """Members in the order of the model, within a process of its table, on demand ones last."""
    for order in (("b", "a", "sum"), ("sum", "a", "b")):
        types = {"a": "Member", "b": "Member2", "sum": "Collector"}
        job = document({n: types[n] for n in order}, ["sum__first", "sum__sum"],
                       {"a__base": 10.0, "b__base": {"dims": ["time"], "data": [20.0, 30.0, 40.0, 50.0]}})
        # Member.initialize reads base, which a time-dependent input has not yet.
        fails(context, job, "'b'", "'base'", "initialize")
        job["inputs"]["b__base"] = 20.0
        got = values(context, job)
        base = {"a": 10.0, "b": 20.0}
        rows = [(f"{p}.{v}", base[p] + d) for p in order if p != "sum"
                for v, d in (("base", 0), ("vector", 0.1), ("scalar", 0.3))]
        rows += [(f"{p}.lazy", base[p] + 0.5) for p in order if p != "sum"]
        equal([n.decode() for n in got["member"].tolist()], [n for n, _ in rows], "names of the members")
        same(got["sum__first"], [[v for _, v in rows]] * 4, "values of the members")
        same(got["sum__sum"], [30.0] * 4, "sum of a group")
    got = values(context, document({"sum": "Collector"}, ["sum__sum"]))
    same(got["sum__sum"], [0.0] * 4, "a group without members")
    equal(got["member"].shape, (0,), "no members")


# ---- on demand ----------------------------------------------------------------------------------------


def test_on_demand(context):
    """A value is how often its function was called: always without a cache, once in a stage with one."""
    job = document({"r": "Reader", "c": "Counter"}, ["r__told"])
    got = values(context, job)["r__told"]
    rows = []
    plain = cached = 0
    plain += 2  # initialize
    cached += 1
    told = [1, 1, 2, 1, 0, 0]
    for step in range(3):
        told[0:4] = [plain + 1, cached + 1, plain + 2, cached + 1]
        plain, cached = plain + 2, cached + 1
        rows.append((step, list(told)))
        told[4:6] = [plain + 1, cached + 1]
        plain, cached = plain + 1, cached + 1
    rows.append((3, list(told)))
    for step, want in rows:
        some = slice(0, 4) if step == 0 else slice(0, 6)  # what finalize_step told is not set in step 0
        same(got[step][some], want[some], f"step {step}")


def test_on_demand_as_outputs(context):
    """Saved on clocks and once, also by the name of what leads to them."""
    job = document({"c": "Counter"}, {"c__plain": "time", "c__cached": "half"},
                   clocks={"time": {"data": [0, 1, 2, 3]}, "half": {"data": [0, 2]}})
    got = values(context, job)
    same(got["c__plain"], [1, 2, 3, 4], "one call for each label")
    same(got["c__cached"], [1, 2], "one call for each label of a subset")
    equal(got["c__plain"].dtype, np.dtype("i8"), "dtype")
    members = document({"a": "Member", "sum": "Collector"}, {"a__lazy": "time"},
                       {"a__base": {"dims": ["m"], "data": [1.0, 2.0]}}, batch_dim="m")
    same(values(context, members)["a__lazy"], [[1.5] * 4, [2.5] * 4], "on demand in a batch")


# ---- objects ------------------------------------------------------------------------------------------


def test_objects(context):
    job = document({"b": "Borrower", "h": "Holder", "n": "Noise"}, {"b__seen": "time", "h__destroyed": None},
                   {"n__amplitude": {"dims": ["m"], "data": [1.0, 2.0, 3.0]}}, batch_dim="m")
    got = values(context, job)
    same(got["b__seen"], [[40.0, 41.0, 42.0, 42.0]] * 3, "the object is shared, and anew in each member")
    same(got["h__destroyed"], [0, 1, 2], "each is destroyed when its member has ended")
    refused(context, document({"h": "Holder"}, ["h__thing"]), "h__thing", "object")
    refused(context, document({"h": "Holder"}, inputs={"h__thing": 1}), "h__thing")


# ---- inputs -------------------------------------------------------------------------------------------

DTYPES = {  # values of each, in JSON; complex numbers as [real, imaginary]
    "bool": [True, False, True, True], "i1": [-128, 127, 0, 1], "i2": [-32768, 32767, 2, 3],
    "i4": [-2**31, 2**31 - 1, 5, 6], "i8": [-2**63, 2**63 - 1, 2**53 + 1, 7],
    "u1": [0, 255, 8, 9], "u2": [0, 65535, 1, 2], "u4": [0, 2**32 - 1, 3, 4],
    "u8": [0, 2**64 - 1, 2**53 + 1, 6], "f4": [0.5, -1.25, "NaN", "Infinity"],
    "f8": [0.1, "-Infinity", "NaN", 1e300], "c8": [[1, 2], [0.5, -1], [0, 0], [3, 4]],
    "c16": [[1.1, 2.2], [0.5, -1], [0, 0], [3, 4]], "str": ["ab", "cdefg", "", "z"]}
NUMPY = {"bool": "|b1", "i1": "|i1", "u1": "|u1", "str": "|S5"}
COMPLEX = {"in_c8": [0, 0], "in_c16": [0, 0]}
DEFAULTS = {"in_bool": True, "in_i1": [-1, 2], "in_i2": -300, "in_i4": [[1, 2], [3, 4]],
            "in_i8": 9007199254740993, "in_u1": 255, "in_u2": 65534, "in_u4": 4294967294,
            "in_u8": 9223372036854775807, "in_f4": -np.inf, "in_f8": [NAN, np.inf],
            "in_c8": 0j, "in_c16": 0j, "in_str": b"ab"}


def numpy_dtype(name):
    return np.dtype(NUMPY.get(name, "<" + name))


def numpy_of(name, data):
    """JSON data of a job as an array."""
    dtype = numpy_dtype(name)
    if dtype.kind == "c":
        return np.asarray(data, dtype="f8").view("c16")[..., 0].astype(dtype)
    if dtype.kind == "f":
        words = np.vectorize(lambda v: float(str(v).replace("Infinity", "inf")), otypes=["f8"])
        return words(np.asarray(data, dtype=object)).astype(dtype)
    return np.asarray(data, dtype=dtype)


def complex_zero(**inputs):
    return {**{"e__" + k: {"dims": [], "data": v} for k, v in COMPLEX.items()}, **inputs}


def test_defaults(context):
    outputs = ["e__out_" + n for n in DTYPES]
    store, _ = run(context, document({"e": "Echo"}, outputs, complex_zero()))
    arrays = zarr_of(store)
    for name, want in DEFAULTS.items():
        dtype = numpy_dtype(name[3:])
        for array, more in ((arrays["e__" + name], ()), (arrays["e__out" + name[2:]], (4,))):
            equal(array.dtype, dtype, f"dtype of {array.name}")
            same(array[...], np.broadcast_to(np.asarray(want, dtype), more + np.shape(want)), array.name)
    equal(arrays["e__in_i4"].attrs["_ARRAY_DIMENSIONS"], ["j", "k"], "dims of a default")


def test_inputs_of_every_dtype(context):
    """() (time) (batch, time) (batch, time, k) (batch, k) (j, k): as outputs on the main clock."""
    for name, four in DTYPES.items():
        cases = {(): four[1], ("time",): four, ("m",): four[:2], ("m", "time"): [four, four[::-1]],
                 ("m", "time", "k"): [[[v, four[0]] for v in four], [[four[3], v] for v in four]],
                 ("m", "time", "j", "k"): [[[[v, four[0]], [four[1], v]] for v in four]] * 2,
                 ("m", "k"): [four[:2], four[2:], four[1:3]], ("j", "k"): [four[:2], four[2:]], ("k",): four[2:]}
        for dims, data in cases.items():
            job = document({"e": "Echo"}, ["e__out_" + name], complex_zero(
                **{"e__in_" + name: {"dims": list(dims), "data": data}}),
                **({"batch_dim": "m"} if "m" in dims else {}))
            arrays = zarr_of(run(context, job)[0])
            given, shown = arrays["e__in_" + name], arrays["e__out_" + name]
            want = numpy_of(name, data)
            what = f"{name} {dims}"
            equal((given.dtype, shown.dtype), (numpy_dtype(name),) * 2, "dtypes of " + what)
            equal(given.attrs["_ARRAY_DIMENSIONS"], list(dims), "dims of " + what)
            same(given[...], want, "as given, " + what)
            axis = 1 if "m" in dims else 0
            if "time" not in dims:
                want = np.repeat(np.expand_dims(want, axis), 4, axis)
            last = [slice(None)] * want.ndim
            last[axis] = [0, 1, 2, 2]  # the last label has the last step's value
            same(shown[...], want[tuple(last)], "as used, " + what)
            equal(shown.attrs["_ARRAY_DIMENSIONS"],
                  [*dims[:axis], "time", *[d for d in dims[axis:] if d != "time"]], "dims of the output")


def test_inputs_that_do_not_fit(context):
    for name, bad in (("i1", 128), ("u1", -1), ("u1", 256), ("i4", 1.5), ("bool", 2), ("str", "abcdef"),
                      ("f8", "fast"), ("i8", 2**63), ("u8", 2**64), ("u4", -1), ("f4", [[[1.0]]])):
        refused(context, document({"e": "Echo"}, inputs=complex_zero(**{"e__in_" + name: bad})),
                "e__in_" + name)


def test_static(context):
    steps = {"dims": ["time"], "data": [1.0, 2.0, 3.0, 4.0]}
    u = [[0.0, 1.0], [2.0, 3.0]]
    refused(context, document({"f": "Field"}, inputs={"f__u": u, "f__gain": steps}), "'f'", "static", "f__gain")
    batch = document({"f": "Field"}, ["f__u"], {"f__u": u, "f__gain": {"dims": ["m"], "data": [1.0, 3.0]}},
                     batch_dim="m")
    index = np.array([[0.0, 1.0], [10.0, 11.0]])
    want = [[np.array(u) + gain * (s + 1) * index for s in (0, 1, 2, 2)] for gain in (1.0, 3.0)]
    same(values(context, batch)["f__u"], want, "a static input may differ between members")


def test_inout_without_a_setter_is_an_input(context):
    u = np.arange(6.0).reshape(2, 3)
    index = 10.0 * np.arange(2)[:, None] + np.arange(3)
    want = np.array([u + s * index for s in (1, 2, 3, 3)])
    job = document({"f": "Field"}, {"f__u": "time"}, {"f__u": u.tolist()})
    arrays = zarr_of(run(context, job)[0])
    same(arrays["f__u"][...], want, "as output, which stands in the input's place")
    equal(arrays["f__u"].attrs["units"], "m", "units")
    job["outputs"] = {}
    same(zarr_of(run(context, job)[0])["f__u"][...], u, "not asked for: the input as it was given")
    refused(context, document({"f": "Field"}), "f__u", "'f'")


def test_transposed(context):
    """check_dims transpose: in any order, and the output as the input was given."""
    u = np.arange(6.0).reshape(2, 3)
    index = 10.0 * np.arange(2)[:, None] + np.arange(3)
    given = {"f__u": {"dims": ["x", "y"], "data": u.T.tolist()}}
    refused(context, document({"f": "Field"}, ["f__u"], given), "f__u", "transpose")
    for outputs, lead in (({"f__u": "time"}, ["time"]), ({"f__u": None}, [])):
        job = document({"f": "Field"}, outputs, given, check_dims="transpose",
                       encoding={"f__u": {"chunks": [2] * (2 + len(lead))}})
        store, _ = run(context, job)
        want = np.array([(u + s * index).T for s in (1, 2, 3, 3)])
        array = zarr_of(store)["f__u"]
        equal(array.attrs["_ARRAY_DIMENSIONS"], lead + ["x", "y"], "dims")
        same(array[...], want if lead else want[3], "transposed back")
    block = np.array([[(u + m + 1000 * t) for t in range(4)] for m in (0, 100)])  # (m, time, y, x)
    moved = block.transpose(3, 0, 2, 1)  # (x, m, y, time)
    job = document({"f": "Field"}, ["f__u"], {"f__u": {"dims": ["x", "m", "y", "time"], "data": moved.tolist()}},
                   batch_dim="m", check_dims="transpose", encoding={"f__u": {"chunks": [1, 1, 2, 2]}})
    store, _ = run(context, job)
    array = zarr_of(store)["f__u"]
    equal(array.attrs["_ARRAY_DIMENSIONS"], ["m", "time", "x", "y"], "dims of a batch")
    used = (block + index)[:, [0, 1, 2, 2]]
    same(array[...], used.transpose(0, 1, 3, 2), "transposed back in a batch")


# ---- validators and converters -------------------------------------------------------------------------


def checked(inputs=None, outputs=("k__used",), **more):
    return document({"k": "Checked"}, outputs, {"k__" + n: v for n, v in (inputs or {}).items()}, **more)


def test_converters(context):
    same(values(context, checked())["k__used"], [1.0] * 4, "a default is converted, and then within its bounds")
    store, _ = run(context, checked({"size": -4}))
    arrays = zarr_of(store)
    same(arrays["k__used"][...], [4.0] * 4, "converted before the bounds are checked")
    same(arrays["k__size"][...], -4.0, "the store has it as given")
    steps = {"dims": ["time"], "data": [-1.0, -2.0, 3.0, -400.0]}
    same(values(context, checked({"size": steps}))["k__used"], [1.0, 2.0, 3.0, 3.0], "converted in each step")
    steps["data"][2] = -11.0
    fails(context, checked({"size": steps}), "'k'", "kinds.Checked", "'size'", "11.0 is not in [0, 10]", "step 2")
    fails(context, checked({"size": -11}), "'k'", "'size'", "11.0 is not in [0, 10]")
    same(values(context, checked({"size": -11}, validate="none"))["k__used"], [11.0] * 4,
         "converted, not validated")


def test_validators(context):
    """A function may look at the other inputs, and is asked again when one of them changes."""
    fails(context, checked({"low": 2, "high": 1}), "'k'", "'low'", "2 is not below 1", "kinds.Checked")
    run(context, checked({"low": 2, "high": 1}, validate="none"))
    run(context, checked({"low": 2, "high": 3}))
    high = {"dims": ["time"], "data": [3.0, 2.5, 1.5, 9.0]}
    fails(context, checked({"low": 2, "high": {**high, "data": [3.0, 2.5, 2.1, 0.0]},
                            "size": {"dims": ["time"], "data": [1.0, 11.0, 1.0, 1.0]}}), "'size'", "step 1")
    batch = checked({"low": {"dims": ["m"], "data": [0.0, 5.0, 1.0]}, "high": 2}, batch_dim="m")
    store, said = fails(context, batch, "member 1", "'low'", "5 is not below 2")
    check("member 0" not in said and "member 2" not in said, said)
    same(zarr_of(store)["k__used"][...], [[1.0] * 4, [NAN] * 4, [1.0] * 4], "its neighbours are stored")


def test_declared_validators(context):
    refused(context, checked({"mode": "calm"}), "k__mode", "calm", "fast", "slow")
    refused(context, checked({"level": 3}), "k__level", "3", "[1,2,4]")
    refused(context, checked({"driven": 1.0}), "k__driven", "[0, 1)")
    run(context, checked({"driven": "NaN"}))  # neither below nor above, as xarray-simlab has it
    run(context, checked({"driven": 1.0, "mode": "calm", "level": 3}, validate="none"))
    run(context, checked({"driven": 0.0, "mode": "slow", "level": 4}))


def test_validate_all(context):
    """What another process sets is checked with `all` only: 0.5, 0.75, 1.0 …"""
    job = document({"d": "Driver", "k": "Checked"}, ["k__driven"])
    same(values(context, job)["k__driven"], [0.75, 1.0, 1.25, 1.25], "validate: inputs")
    same(values(context, {**job, "validate": "none"})["k__driven"], [0.75, 1.0, 1.25, 1.25], "validate: none")
    fails(context, {**job, "validate": "all"}, "'k'", "'driven'", "1.0 is not in [0, 1)")


# ---- the store: dtypes, indexes, encodings ----------------------------------------------------------------


def label_values():
    i = np.arange(3)
    return {"bool": [False, True], **{n: i - 1 for n in ("i1", "i2", "i4", "i8")}, "u1": i + 250,
            **{n: i for n in ("u2", "u4", "u8")}, "f4": 0.5 * i, "f8": 0.25 * i, "c8": i - 1j, "c16": i - 2j,
            "str": [b"a", b"bcd", b"efghi"]}


def test_index_variables(context):
    """Coordinates of every dtype, in zarr and in xarray, alone and in a batch."""
    outputs = {"l__ix_i4": None, "l__ix_str": "time"}
    job = document({"l": "Labels", "n": "Noise"}, outputs)
    batch = {**job, "batch_dim": "m", "inputs": {"n__amplitude": {"dims": ["m"], "data": [1.0, 2.0]}}}
    for which, lead in ((job, ()), (batch, (2,))):
        store, _ = run(context, which)
        arrays, ds = zarr_of(store), dataset(store)
        for name, want in label_values().items():
            array = arrays["ix_" + name]
            equal(array.dtype, numpy_dtype(name), "dtype of ix_" + name)
            same(array[...], np.asarray(want, array.dtype), "ix_" + name)
            check("ix_" + name in ds.coords, f"ix_{name} is no coordinate in xarray")
            text = name == "str"  # which xarray decodes
            same(ds["ix_" + name].values, np.asarray([w.decode() for w in want], object) if text else np.asarray(want, array.dtype),
                 f"ix_{name} in xarray")
        same(arrays["l__ix_i4"][...], np.broadcast_to([-1, 0, 1], (*lead, 3)), "asked for by name")
        same(arrays["l__ix_str"][...],
             np.broadcast_to(np.array([b"a", b"bcd", b"efghi"]), (*lead, 4, 3)), "on a clock")


def test_dtypes_in_xarray(context):
    """xarray masks the default fill of numbers; not that of bool."""
    outputs = {"e__out_" + n: "some" for n in DTYPES}
    inputs = complex_zero(**{"e__in_" + n: {"dims": ["time"], "data": four} for n, four in DTYPES.items()
                             if n not in ("c8", "c16")})
    job = document({"e": "Echo"}, outputs, inputs,
                   clocks={"time": {"data": [0, 1, 2, 3]}, "some": {"data": [0, 1]}})
    store, _ = run(context, job)
    ds = dataset(store)
    for name, four in DTYPES.items():
        if name in ("c8", "c16"):
            continue
        got, want = ds["e__out_" + name].values, numpy_of(name, four)[:2]
        if name[0] in "iu":
            limit = np.iinfo(name).max
            check(got.dtype.kind == "f", f"{name} has a fill value, so xarray makes it {got.dtype}")
            same(got, np.where(want == limit, NAN, want.astype("f8")).astype(got.dtype), name)
        elif name == "bool":
            equal(got.dtype, np.dtype("bool"), "bool stays bool")
            same(got, want, name)
        elif name == "str":
            equal(got.tolist(), [v.decode() for v in want.tolist()], name)
        else:
            same(got, want, name)
            equal(got.dtype, want.dtype, f"dtype of {name}")


def test_big_endian(context):
    names = [n for n in DTYPES if n not in ("bool", "i1", "u1", "str")]
    inputs = complex_zero(**{"e__in_" + n: {"dims": ["time"], "data": DTYPES[n]} for n in names})
    encoding = {"e__out_" + n: {"dtype": ">" + n} for n in names}
    store, _ = run(context, document({"e": "Echo"}, list(encoding), inputs, encoding=encoding))
    arrays, ds = zarr_of(store), dataset(store, mask_and_scale=False)
    for n in names:
        equal(arrays["e__out_" + n].dtype.str, ">" + n, "dtype on disk")
        want = numpy_of(n, DTYPES[n])[[0, 1, 2, 2]]
        same(arrays["e__out_" + n][...], want, n)
        same(ds["e__out_" + n].values, want, n + " in xarray")
    raw = {"e__out_i4": {"dtype": ">i4", "compressor": None, "chunks": [4]}}
    store, _ = run(context, document({"e": "Echo"}, list(raw), inputs, encoding=raw))
    with open(os.path.join(store, "e__out_i4/0"), "rb") as file:
        same(np.frombuffer(file.read(), ">i4"), np.array(DTYPES["i4"])[[0, 1, 2, 2]], "bytes on disk")


BLOSC = [{"id": "blosc", "cname": c, "clevel": l, "shuffle": s, "blocksize": 0}
         for c, l, s in (("lz4", 5, 1), ("lz4hc", 9, 0), ("blosclz", 1, 2), ("zlib", 3, 1), ("zstd", 7, -1),
                         ("lz4", 0, 1))]
COMPRESSORS = [*BLOSC, {"id": "zstd", "level": 3}, {"id": "zlib", "level": 6}, None]


def encoded_values(members=1):
    start = np.arange(4) - [0, 0, 0, 1]
    whole = np.arange(24).reshape(6, 4) + start[:, None, None]
    return np.array([whole + 50 * m for m in range(members)]) if members > 1 else whole


def test_encodings(context):
    whole = encoded_values()
    filters = [[{"id": "delta", "dtype": "<i4", "astype": "<i4"}],
               [{"id": "delta", "dtype": "<i4", "astype": "<i2"}]]
    scaled = [{"id": "fixedscaleoffset", "offset": 0, "scale": 4, "dtype": "<f8", "astype": "<i4"}]
    spare = -2.0**29
    cases = [{"e__real": {"compressor": c, "chunks": [2, 4, 3], "order": o},
              "e__whole": {"compressor": c, "order": o}} for c in COMPRESSORS for o in "CF"]
    cases += [{"e__whole": {"filters": f, "chunks": [3, 6, 1]}, "e__real": {"filters": scaled, "fill_value": spare}} for f in filters]
    cases += [{"e__real": {"dtype": "<f4"}, "e__whole": {"dtype": "|u1"}},
              {"e__real": {"fill_value": -9999.0}, "e__whole": {"fill_value": 0, "dtype": ">i2"}},
              {"e__real": {"chunks": [100, 100, 100]}, "e__whole": {"chunks": [1, 1, 1]}}]
    for encoding in cases:
        job = document({"e": "Encoded"}, ["e__real", "e__whole"], encoding=encoding)
        store, _ = run(context, job)
        arrays = zarr_of(store)
        same(arrays["e__whole"][...], whole, f"integers under {encoding}")
        same(arrays["e__real"][...], whole / 4, f"floats under {encoding}")
        same(dataset(store, mask_and_scale=False)["e__real"].values, whole / 4, f"xarray under {encoding}")
        for name, keys in encoding.items():
            array = arrays[name]
            for key, want in keys.items():
                if key == "compressor":
                    got = array.compressor and array.compressor.get_config()
                elif key == "filters":
                    got = [f.get_config() for f in array.filters]
                elif key == "dtype":
                    got = array.dtype.str
                else:
                    got = getattr(array, key)
                    got = list(got) if key == "chunks" else got
                equal(got, want, f"{key} of {name}")


def test_encoding_of_the_variable(context):
    """The job's encoding is laid over the declaration's, key by key."""
    u = np.zeros((4, 4)).tolist()
    job = document({"f": "Field"}, {"f__u": None}, {"f__u": u})
    equal(zarr_of(run(context, job)[0])["f__u"].chunks, (2, 2), "chunks as declared")
    job["encoding"] = {"f__u": {"chunks": [4, 1], "dtype": "<f4"}}
    array = zarr_of(run(context, job)[0])["f__u"]
    equal((array.chunks, array.dtype.str), ((4, 1), "<f4"), "chunks and dtype as the job has them")
    job["encoding"] = {"f__u": {"dtype": "<f4"}}
    equal(zarr_of(run(context, job)[0])["f__u"].chunks, (2, 2), "chunks as declared, under another dtype")


def test_fill_values(context):
    """What BREAK leaves out is missing: NaN in xarray, which makes floats of integers, not of bool."""
    job = document({"g": "Grower"}, ["g__values", "g__flags", "g__counts"],
                   {"g__length": {"dims": ["time"], "data": [1, 3, 2, 0]}})
    store, _ = run(context, job)
    arrays, ds = zarr_of(store), dataset(store)
    equal([arrays["g__" + n].fill_value for n in ("counts", "flags")], [2**31 - 1, None], "fill values")
    check(np.isnan(arrays["g__values"].fill_value), "fill value of floats")
    there = np.arange(3) < np.array([1, 3, 2, 2])[:, None]
    steps = np.array([0, 1, 2, 2])[:, None]
    same(ds.g__values.values, np.where(there, 10.0 * steps + np.arange(3), NAN), "floats in xarray")
    same(ds.g__counts.values, np.where(there, 1.0 * np.arange(3), NAN), "integers in xarray")
    equal(ds.g__flags.dtype, np.dtype("bool"), "bool in xarray")
    same(ds.g__flags.values, there, "missing bools are false")
    raw = dataset(store, mask_and_scale=False)
    equal(raw.g__counts.dtype, np.dtype("i4"), "integers, unmasked")
    zero = {**job, "encoding": {"g__counts": {"fill_value": -1}, "g__values": {"fill_value": 7.0}}}
    arrays = zarr_of(run(context, zero)[0])
    same(arrays["g__counts"][...], np.where(there, np.arange(3), -1), "a fill of one's own")
    same(arrays["g__values"][...], np.where(there, 10.0 * steps + np.arange(3), 7.0), "a fill of one's own")


# ---- sizes that change --------------------------------------------------------------------------------------

SIZES = [[1, 3, 2, 9], [0, 0, 0, 9], [4, 1, 5, 9], [2, 2, 2, 9], [0, 6, 1, 9]]


def growing(sizes=SIZES, **more):
    clocks = {"time": {"data": [0, 1, 2, 3]}, "ends": {"data": [0, 3]}}
    outputs = {"g__values": "time", "g__grid": "ends", "g__flags": None, "g__counts": "time"}
    return document({"g": "Grower"}, outputs, {"g__length": {"dims": ["m", "time"], "data": sizes}},
                    clocks=clocks, batch_dim="m", **more)


def grown(store, sizes=SIZES):
    arrays = zarr_of(store)
    used = np.array(sizes)[:, [0, 1, 2, 2]]
    most = used.max()
    i = np.arange(most)
    there = i < used[:, :, None]
    number = 100.0 * np.arange(len(sizes))[:, None, None] + 10.0 * np.array([0, 1, 2, 2])[:, None] + i
    want = np.where(there, number, NAN)
    same(arrays["g__values"][...], want, "values on the main clock")
    same(arrays["g__counts"][...], np.where(there, i, 2**31 - 1), "integers")
    both = want[:, [0, 3]]
    same(arrays["g__grid"][...], np.stack([both, -both], axis=2), "two dims on another clock")
    same(arrays["g__flags"][...], there[:, 3], "bool at the end")
    same(arrays["g__pt"][...], np.where(there[:, 3], 10 * i, 2**31 - 1), "labels of each member")
    longest = used[:, 3].max()
    same(arrays["pt"][...], np.where(i < longest, 10 * i, 2**31 - 1), "labels that the members share")
    ds = dataset(store)
    same(ds.pt.values, np.where(i < longest, 10.0 * i, NAN), "labels in xarray")


def test_growing_arrays(context):
    for sizes in (SIZES, SIZES[::-1], SIZES[1:2] + SIZES, SIZES[2:3] * 3):
        grown(run(context, growing(sizes))[0], sizes)
    for chunks in ([1, 1, 1], [2, 3, 2], [5, 4, 6]):
        encoding = {"g__values": {"chunks": chunks}, "g__flags": {"chunks": [chunks[0], chunks[2]]}, "pt": {"chunks": [1]}}
        store, _ = run(context, growing(encoding=encoding))
        grown(store)
        flags = zarr_of(store)["g__flags"]
        equal(flags.nchunks_initialized, flags.nchunks, "chunks of an array that has no fill value")


def test_growing_arrays_under_any_lease(context):
    """The same bytes, locally and by one worker or three."""
    sizes = SIZES * 8
    small = {"g__values": {"chunks": [3, 2, 4]}, "g__counts": {"chunks": [16, 1, 1]}, "g__flags": {"chunks": [2, 2]}}
    for encoding in ({}, small):
        job = growing(sizes, encoding=encoding)
        local, _ = run(context, job)
        grown(local, sizes)
        for workers in (1, 3):
            daemon = start(context, workers)
            harness.same_store(local, daemon.finish(job)["store"])
            daemon.stop()


def test_dead_members_have_no_garbage(context):
    """What has no fill value is stored as zeros, whatever is missing."""
    low = [0.0] * 6 + [5.0, 5.0, 0.0, 5.0]
    job = document({"k": "Checked", "e": "Echo"}, ["e__out_bool"],
                   complex_zero(k__low={"dims": ["m"], "data": low}, k__high=2), batch_dim="m",
                   encoding={"e__out_bool": {"chunks": [2, 3]}})
    store, _ = run(context, job, 1)
    array = zarr_of(store)["e__out_bool"]
    equal(array.nchunks_initialized, array.nchunks, "chunks")
    same(array[...], np.repeat([[v == 0.0] for v in low], 4, axis=1), "dead members are false")


# ---- clocks ------------------------------------------------------------------------------------------------


def test_dates(context):
    """Units and calendar: xarray decodes dates, the processes see numbers."""
    job = document({"c": "Clocked", "g": "Teller"}, {"c__elapsed": None, "g__done": "time"},
                   clocks={"time": {"data": [0, 1, 3, 31]}, "half": {"data": [1, 31]}},
                   main_clock={"dim": "time", "units": "days since 2000-01-01", "calendar": "standard"})
    store, said = run(context, job)
    ds = dataset(store)
    same(ds.time.values, np.array(["2000-01-01", "2000-01-02", "2000-01-04", "2000-02-01"], "M8[ns]"), "dates")
    same(ds.half.values, np.array(["2000-01-02", "2000-02-01"], "M8[ns]"), "dates of the other clock")
    same(ds.c__elapsed.values, [0.0, 1.0, 3.0, 31.0], "the clock as the processes see it")
    check("run_step 2 3 3 31 28 0 31" in said.stderr, said.stderr)
    check((ds.sel(time="2000-01-04").g__done == 31).all(), "selected by date")
    one = {**job, "main_clock": "half",
           "clocks": {"half": {"data": [0.5, 59.5, 60.5], "units": "days since 2000-01-01", "calendar": "noleap"}}}
    one["outputs"] = {"c__elapsed": None}
    store, _ = run(context, one)
    labels = dataset(store).half.values
    equal([(d.month, d.day, d.hour) for d in labels], [(1, 1, 12), (3, 1, 12), (3, 2, 12)], "noleap")
    equal(labels[0].calendar, "noleap", "calendar")


def test_forms_of_clocks(context):
    forms = {"linspace": ({"linspace": [0, 1, 4]}, np.linspace(0, 1, 4)),
             "arange": ({"arange": [0, 1, 0.1]}, np.arange(0, 1, 0.1)),
             "integers": ({"arange": [2, 11, 3]}, np.arange(2, 11, 3)),
             "data": ({"data": {"linspace": [0.1, 0.7, 7]}}, np.linspace(0.1, 0.7, 7)),
             "list": ([1, 2, 4], np.array([1, 2, 4])), "mixed": ([1, 2.5], np.array([1, 2.5]))}
    for what, (given, labels) in forms.items():
        job = document({"c": "Clocked"}, {"c__elapsed": None, "c__table": None}, clocks={"time": given})
        got = zarr_of(run(context, job)[0])
        equal(got["time"].dtype, labels.dtype, f"dtype of {what}")
        same(got["time"][...], labels, what)
        same(got["c__elapsed"][...], (labels - labels[0]).astype("f8"), f"{what}: the main clock as a dimension")
        equal(got["c__elapsed"].attrs["_ARRAY_DIMENSIONS"], ["time"], "its name")
        same(got["c__table"][...], np.stack([labels, -labels]).astype("f8"), f"{what}: as the second dimension")


def test_outputs_on_clocks(context):
    """Several clocks, with and without first and last label, of one label, and none."""
    clocks = {"sparse": {"data": [0, 2, 4]}, "time": {"data": [0, 1, 2, 3, 4]}, "inner": {"data": [1, 3]},
              "first": {"data": [0]}, "last": {"data": [4]}}
    outputs = {"a": "time", "b": "sparse", "c": "inner", "d": "first", "e": "last", "f": None}
    types = {name: "Encoded" for name in outputs}
    job = document(types, {n + "__whole": clock for n, clock in outputs.items()}, clocks=clocks)
    got = values(context, job)
    base = np.arange(24).reshape(6, 4)
    steps = {"a": [0, 1, 2, 3, 3], "b": [0, 2, 3], "c": [1, 3], "d": [0], "e": [3]}
    for name, at in steps.items():
        same(got[name + "__whole"], base + np.array(at)[:, None, None], outputs[name])
    same(got["f__whole"], base + 3, "once, at the end")
    job["outputs"]["c__elapsed"] = "time"
    job["model"]["processes"]["c"] = "kinds.Clocked"
    job["outputs"].pop("c__whole")
    refused(context, job, "c__elapsed", "'time'")
    job["outputs"]["c__elapsed"] = "sparse"
    same(values(context, job)["c__elapsed"], np.tile(np.arange(5.0), (3, 1)), "the main clock within another")
    refused(context, {**job, "clocks": {**clocks, "inner": {"data": [1, 2.5]}}}, "inner", "2.5")


def test_one_label_has_no_steps(context):
    job = document({"e": "Encoded"}, {"e__whole": "time", "e__real": None}, clock=[5.0])
    got = values(context, job)
    same(got["e__whole"], np.arange(24).reshape(1, 6, 4) - 1, "the state after initialize")
    same(got["e__real"], (np.arange(24).reshape(6, 4) - 1) / 4, "once")


# ---- stages --------------------------------------------------------------------------------------------------


def test_runtime_context(context):
    labels = [1.0, 2.0, 4.0, 8.0]
    job = document({"t": "Teller", "n": "Noise"}, ["t__done"],
                   {"n__amplitude": {"dims": ["m"], "data": [1.0, 2.0]}}, clock=labels, batch_dim="m")
    _, said = run(context, job)
    lines = [l[l.index("member"):] for l in said.stderr.splitlines() if "t: " in l]
    want = []
    for m in range(2):
        def line(stage, step, number=m):
            times = [labels[step], labels[step + 1], labels[step + 1] - labels[step]] if step >= 0 else [NAN] * 3
            text = " ".join(f"{t:g}" for t in times)
            return f"member {number}: t: {stage} {step} 3 {text} 1 8 {number} 2 4 8"
        want.append(line("initialize", -1))
        for step in range(3):
            want += [line("run_step", step), line("finalize_step", step)]
        want.append(line("finalize", 2))
    equal(lines, want, "the context in every stage")
    _, said = run(context, document({"t": "Teller"}, ["t__done"], clock=labels))
    check("t: initialize -1 3 nan nan nan 1 8 0 1 4 8" in said.stderr, said.stderr)


def test_errors_in_stages(context):
    """A stage that fails: finalize is called for all that were begun; the first error is told."""
    stages = {0: "initialize", 1: "run_step of step 1", 2: "finalize_step of step 1", 3: "finalize"}
    for number, words in stages.items():
        job = document({"a": "Teller", "b": "Teller2", "n": "Noise"}, ["b__done"],
                       {"a__fails_at": {"dims": ["m"], "data": [-1, number, -1]}}, batch_dim="m")
        store, said = fails(context, job, "member 1: process 'a' (kinds.Teller)", words, "asked to fail")
        ended = [l for l in said.splitlines() if "member 1: " in l and ": finalize " in l]
        began = 1 if number == 0 else 2
        equal(len(ended), began, f"calls of finalize after {words}: {said}")
        got = zarr_of(store)["b__done"][...]
        good = [11, 21, 31, 32]
        same(got, [good, [2**63 - 1] * 4, good], f"what is stored after {words}")
        job = document({"a": "Teller"}, ["a__done"], {"a__fails_at": number})
        _, said = fails(context, job, "process 'a'", words, "asked to fail")
        check("a: finalize " in said, f"finalize after {words}: {said}")


def test_signals_of_processes(context):
    """BREAK skips what depends on the process in that stage; SKIP and CONTINUE do nothing more."""
    for signal, seen in ((0, [1, 2, 3, 3]), (1, [1, 2, 3, 3]), (2, [1, 2, 3, 3]), (3, [1, 1, 2, 2])):
        steps = {"dims": ["time"], "data": [0, signal, 0, 0]}
        job = document({"f": "Follower", "s": "Signaller", "free": "Encoded"},
                       ["s__ran", "f__steps", "f__ends", "free__whole"], {"s__signal": steps})
        got = values(context, job)
        same(got["s__ran"], [1, 2, 3, 3], f"the one that signals {signal}")
        same(got["f__steps"], seen, f"run_step of the one that depends on it, signal {signal}")
        same(got["f__ends"], [0, 1, 2, 3], f"finalize_step goes on, signal {signal}")
        same(got["free__whole"][:, 0, 0], [0, 1, 2, 2], "what does not depend on it goes on")


# ---- sweeps, set-ups, base --------------------------------------------------------------------------------------


def test_sweep_by_product(context):
    rows = [(a, s) for a in (-1.0, -2.0, -3.0) for s in (0, 50)]
    job = document({"k": "Checked", "e": "Encoded"}, {"e__whole": None, "k__used": "time"},
                   sweep={"product": {"k__size": [-1, -2, -3], "e__start": {"arange": [0, 100, 50]}}})
    store, _ = run(context, job)
    ds = dataset(store)
    equal(ds.k__used.dims, ("batch", "time"), "dims")
    same(ds.k__size.values, [a for a, _ in rows], "the first varies slowest")
    same(ds.e__start.values, [s for _, s in rows], "the second fastest")
    wide = ds.set_index(batch=["k__size", "e__start"]).unstack("batch")
    equal(dict(wide.k__used.sizes), {"time": 4, "k__size": 3, "e__start": 2}, "unstacked")
    for a, s in rows:
        cell = wide.sel(k__size=a, e__start=s)
        same(cell.k__used.values, [-a] * 4, f"cell {a} {s}")
        same(cell.e__whole.values, np.arange(24).reshape(6, 4) + s + 2, f"cell {a} {s}")


def test_sweep_by_zip(context):
    job = document({"k": "Checked", "n": "Noise"}, ["k__used"], batch_dim="run",
                   sweep={"zip": {"k__size": [-1, -2], "n__amplitude": {"linspace": [0, 1, 2]},
                                  "k__mode": ["fast", "slow"]}})
    store, _ = run(context, job)
    ds = dataset(store)
    same(ds.k__used.values, [[1.0] * 4, [2.0] * 4], "side by side")
    equal(sorted(n for n in ds.coords if ds[n].dims == ("run",)), ["k__mode", "k__size", "n__amplitude"], "coords")
    wide = ds.set_index(run=["k__size", "n__amplitude"]).unstack("run")
    same(wide.k__used.sel(k__size=-2.0, n__amplitude=1.0).values, [2.0] * 4, "unstacked")
    both = {**job, "sweep": {"product": {"k__size": [-1, -2]},
                             "zip": {"n__amplitude": [1, 2], "k__mode": ["fast", "slow"]}}}
    ds = dataset(run(context, both)[0])
    same(ds.k__size.values, [-1.0, -1.0, -2.0, -2.0], "product with a zip")
    same(ds.n__amplitude.values, [1.0, 2.0, 1.0, 2.0], "product with a zip")
    refused(context, {**job, "sweep": {"zip": {"k__size": [1, 2], "n__amplitude": [1]}}}, "n__amplitude", "k__size")


def setup_document():
    """What xarray-simlab's create_setup gives, with a batch and a clock with units."""
    clock = {"__xsimlab_output_clock__": 1, "units": "hours since 2001-01-01", "calendar": "standard"}
    ds = xarray.Dataset(
        {"e__in_f8": (("m", "time"), [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]], {"units": "m"}),
         "e__in_i4": (("j", "k"), [[1, 2]]), "e__in_str": ("m", np.array(["x", "yz"])),
         "remark": ((), 5)},
        {"time": ("time", [0, 6, 12, 18], {**clock, "__xsimlab_main_clock__": 1,
                                           "__xsimlab_output_vars__": "e__out_f8"}),
         "out": ("out", [0, 12], {**clock, "__xsimlab_output_vars__": "e__out_i4,e__out_str"}),
         "m": ("m", [10, 20])},
        {"title": "a set-up", "__xsimlab_output_vars__": "e__out_bool"})
    for name in ("in_bool", "in_i1", "in_i2", "in_i8", "in_u1", "in_u2", "in_u4", "in_u8", "in_f4"):
        ds["e__" + name] = ((), {"in_bool": True, "in_f4": 1.5}.get(name, 3))
    return ds.to_dict()


def test_setups(context):
    setup = setup_document()
    for name in ("in_c8", "in_c16"):
        setup["data_vars"]["e__" + name] = {"dims": [], "attrs": {}, "data": [0.0, 0.0]}
    job = {"model": {"processes": {"e": "kinds.Echo"}}, "setup": setup, "batch_dim": "m"}
    store, _ = run(context, job)
    ds = dataset(store)
    equal(ds.attrs["title"], "a set-up", "attributes")
    check(not any(k.startswith("__xsimlab") for v in [ds, *ds.variables.values()] for k in v.attrs), "reserved")
    same(ds.e__out_f8.values, [[1.0, 2.0, 3.0, 3.0], [5.0, 6.0, 7.0, 7.0]], "on the main clock")
    same(ds.e__out_i4.values, [[[[1.0, 2.0]]] * 2] * 2, "on the other clock")
    equal(ds.e__out_str.values.astype("S5").tolist(), [[b"x", b"x"], [b"yz", b"yz"]], "strings")
    same(ds.e__out_bool.values, [True, True], "once")
    same(ds.m.values, [10, 20], "labels of the batch")
    same(ds.out.values, np.array(["2001-01-01T00", "2001-01-01T12"], "M8[ns]"), "dates")
    equal((ds.e__in_f8.attrs["units"], int(ds.remark)), ("m", 5), "what else it has")


def start(context, workers=2):
    return context.daemon(workers=workers, options=["--processes", context.program("kinds")])


def test_base(context):
    """The same with some inputs or clocks changed."""
    daemon = start(context)
    first = daemon.finish(checked({"size": -4, "level": 2}))
    job = {"base": first["id"], "inputs": {"k__size": -5}, "clocks": {"time": {"data": [0.0, 1.0]}}}
    second = daemon.finish(job)
    arrays = zarr_of(second["store"])
    same(arrays["k__used"][...], [5.0, 5.0], "changed")
    same(arrays["k__level"][...], 2, "kept")
    same(zarr_of(first["store"])["k__used"][...], [4.0] * 4, "the first stays")
    third = daemon.finish({"base": second["id"], "inputs": {"k__level": None}, "outputs": {"k__used": None}})
    arrays = zarr_of(third["store"])
    same(arrays["k__level"][...], 1, "null takes an input away: the default")
    same(arrays["k__used"][...], 5.0, "once, at the end")


# ---- the same everywhere ----------------------------------------------------------------------------------------


def noisy(members=None, **more):
    inputs = {"n__amplitude": {"dims": ["m"], "data": [1.0] * members}} if members else {}
    return document({"n": "Noise", "o": "Noise"}, {"n__drawn": "time", "o__drawn": None}, inputs, seed=12345,
                    **({"batch_dim": "m"} if members else {}), **more)


def test_random_numbers(context):
    """A function of seed, member, process, stage and step: the same wherever the member runs."""
    alone = values(context, noisy())
    batch, _ = run(context, noisy(40))
    arrays = zarr_of(batch)
    drawn = arrays["n__drawn"][...]
    same(drawn[0], alone["n__drawn"], "member 0 and a job without a batch")
    check(len(set(drawn[:, :3].ravel())) == 40 * 3 * 3, "numbers repeat")
    check(not np.isin(arrays["o__drawn"][...], drawn).any(), "two processes draw the same")
    check(0 <= drawn.min() and drawn.max() < 1 and 0.4 < drawn.mean() < 0.6, "uniform in [0, 1)")
    same(zarr_of(run(context, noisy(7))[0])["n__drawn"][...], drawn[:7], "a smaller batch")
    other = values(context, {**noisy(), "seed": 12346})
    check(not np.isin(other["n__drawn"], drawn).any(), "another seed")
    for workers in (1, 3):
        daemon = start(context, workers)
        harness.same_store(batch, daemon.finish(noisy(40))["store"])
        daemon.stop()


def test_through_the_daemon(context):
    """A selection of the jobs above gives the same store through the daemon."""
    four = DTYPES
    jobs = [document({"far": "Far", "set": "SetsGlobal", "s": "Source"}, ["far__got", "s__v"]),
            document({"b": "Member2", "a": "Member", "sum": "Collector"}, ["sum__first", "a__lazy"],
                     {"a__base": {"dims": ["m"], "data": [1.0, 2.0, 3.0]}, "b__base": 4.0}, batch_dim="m"),
            document({"r": "Reader", "c": "Counter"}, {"c__cached": "time"}),
            document({"e": "Echo"}, ["e__out_" + n for n in four],
                     complex_zero(**{"e__in_" + n: {"dims": ["m", "time"], "data": [v, v[::-1]]}
                                     for n, v in four.items()}), batch_dim="m"),
            document({"l": "Labels"}, {"l__ix_str": "time"}),
            document({"c": "Clocked"}, {"c__elapsed": None},
                     main_clock={"dim": "time", "units": "days since 2000-01-01"}),
            document({"f": "Field"}, ["f__u"], {"f__u": {"dims": ["x", "y"], "data": [[1.0, 2.0]]}},
                     check_dims="transpose", encoding={"f__u": {"chunks": [1, 1, 1]}}),
            document({"e": "Encoded", "k": "Checked"}, ["e__real", "e__whole", "k__used"],
                     sweep={"product": {"k__size": [-1, -2, -3], "e__start": [0, 50]}},
                     encoding={"e__real": {"order": "F", "compressor": {"id": "zstd", "level": 3}}})]
    daemon = start(context)
    for job in jobs:
        harness.same_store(run(context, job)[0], daemon.finish(job)["store"])
    bad = daemon.submit(checked({"mode": "calm"}), 422)
    equal(bad["pointer"], "/inputs/k__mode", "where the fault is")
    ended = daemon.finish(checked({"low": {"dims": ["m"], "data": [0.0, 5.0]}, "high": 2}, batch_dim="m"), "partial")
    member = daemon.request("GET", f"/v1/jobs/{ended['id']}/members", status=200).json["members"][0]
    for word in ("'k'", "'low'", "5 is not below 2"):
        check(word in member["reason"], f"{word!r} is not in {member['reason']!r}")


# ---- what stops early, and uploads ------------------------------------------------------------------------------


def test_a_run_that_stops_early(context):
    """Labels after the stop are missing, in small chunks too; the last state is at the label reached."""
    chunks = {"e__whole": {"chunks": [1, 6, 4]}, "b__out_bool": {"chunks": [1]}}
    outputs = {"e__whole": "time", "b__out_bool": "time", "e__real": None}
    inputs = complex_zero()
    inputs = {"b__" + n[3:]: v for n, v in inputs.items()}
    for encoding in (chunks, {}):
        job = document({"e": "Encoded", "b": "Echo"}, outputs, inputs, encoding=encoding,
                       clock=[0.0, 1.0, 2.0, 3.0, 4.0], stop_when={"variable": "e__whole", "above": 24.5})
        got = values(context, job)
        whole = np.arange(24).reshape(6, 4)
        same(got["e__whole"][:3], [whole, whole + 1, whole + 2], "until the stop, and the last state")
        check((got["e__whole"][3:] == 2**31 - 1).all(), "the rest is the fill value")
        same(got["b__out_bool"], [True, True, True, False, False], "bool")
        same(got["e__real"], (whole + 2) / 4, "the last state, once")


def npy(array):
    import io  # pylint: disable=import-outside-toplevel
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def test_uploads(context):
    """.npy arrays of every dtype, either byte order, C and Fortran order."""
    daemon = start(context)
    for name, four in DTYPES.items():
        block = numpy_of(name, [four, four[::-1], four])  # (m, time)
        variants = [block, np.asfortranarray(block)]
        if block.dtype.itemsize > 1 and block.dtype.kind in "iufc":
            variants.append(block.astype(block.dtype.newbyteorder(">")))
        for array in variants:
            r = daemon.request("POST", "/v1/uploads", npy(array), status=201)
            given = {"dims": ["m", "time"], "data": {"upload": r.json["id"]}}
            ended = daemon.finish(document({"e": "Echo"}, ["e__out_" + name],
                                           complex_zero(**{"e__in_" + name: given}), batch_dim="m"))
            arrays = zarr_of(ended["store"])
            same(arrays["e__in_" + name][...], block, f"{name} as given by {array.dtype}")
            same(arrays["e__out_" + name][...], block[:, [0, 1, 2, 2]], f"{name} by {array.dtype}")


def test_complex_in_xarray(context):
    for name in ("c8", "c16"):
        four = DTYPES[name]
        inputs = complex_zero(**{"e__in_" + name: {"dims": ["time"], "data": four}})
        store, _ = run(context, document({"e": "Echo"}, ["e__out_" + name], inputs))
        ds = dataset(store)
        same(ds["e__out_" + name].values, numpy_of(name, four)[[0, 1, 2, 2]], name)
        equal(ds["e__out_" + name].dtype, np.dtype(name), "dtype")
        check(np.isnan(zarr_of(store)["e__out_" + name].fill_value), "fill value")


def test_sweep_of_arrays(context):
    """Values that are arrays: the batch dimension before theirs."""
    fields = [np.zeros((2, 3)), np.ones((2, 3))]
    index = 10.0 * np.arange(2)[:, None] + np.arange(3)
    job = document({"f": "Field"}, {"f__u": None}, encoding={"f__u": {"chunks": [1, 2, 3]}},
                   sweep={"product": {"f__u": {"data": [u.tolist() for u in fields]}, "f__gain": [1, 2, 3]}})
    store, _ = run(context, job)
    want = [u + 3 * gain * index for u in fields for gain in (1, 2, 3)]
    same(zarr_of(store)["f__u"][...], want, "the product of arrays and numbers")
    same(dataset(store).f__gain.values, [1.0, 2.0, 3.0] * 2, "the numbers")


def test_setup_with_inputs_as_coordinates(context):
    """A batch whose labels are inputs (of a pandas MultiIndex, reset): they stay coordinates."""
    rows = [(a, s) for a in (-1.0, -2.0) for s in (0, 50)]
    clock = {"__xsimlab_output_clock__": 1, "__xsimlab_main_clock__": 1, "__xsimlab_output_vars__": "k__used"}
    ds = xarray.Dataset({"k__low": ((), 0.0), "k__high": ((), 1.0), "k__mode": ((), "slow"),
                         "k__level": ((), 4), "k__driven": ((), 0.25)},
                        {"time": ("time", [0, 1], clock), "k__size": ("run", [a for a, _ in rows]),
                         "e__start": ("run", [s for _, s in rows])})
    job = {"model": {"processes": {"k": "kinds.Checked", "e": "kinds.Encoded"}}, "setup": ds.to_dict(),
           "batch_dim": "run"}
    opened = dataset(run(context, job)[0])
    equal(sorted(opened.coords), ["e__start", "k__size", "time"], "coordinates")
    wide = opened.set_index(run=["k__size", "e__start"]).unstack("run")
    same(wide.k__used.sel(k__size=-2.0, e__start=50).values, [2.0, 2.0], "unstacked")
    setup = ds.to_dict()
    setup["coords"]["run"] = {"dims": ["run"], "attrs": {}, "data": [list(r) for r in rows]}
    opened = dataset(run(context, {**job, "setup": setup})[0])
    same(opened.k__used.values, [[1.0] * 2] * 2 + [[2.0] * 2] * 2, "with the MultiIndex's tuples")


def test_encoding_changes_values(context):
    """Integers as floats: NaN where missing; floats as integers; lossy filters as numcodecs has them."""
    sizes = {"dims": ["time"], "data": [1, 3, 2, 0]}
    job = document({"g": "Grower"}, ["g__counts", "g__values"], {"g__length": sizes},
                   encoding={"g__counts": {"dtype": "<f4"}, "g__values": {"dtype": "<i2"}})
    arrays = zarr_of(run(context, job)[0])
    there = np.arange(3) < np.array([1, 3, 2, 2])[:, None]
    number = 10 * np.array([0, 1, 2, 2])[:, None] + np.arange(3)
    equal([arrays["g__" + n].dtype.str for n in ("counts", "values")], ["<f4", "<i2"], "dtypes")
    same(arrays["g__counts"][...], np.where(there, np.arange(3.0), NAN), "integers as floats")
    same(arrays["g__values"][...], np.where(there, number, 2**15 - 1), "floats as integers")
    scale = [{"id": "fixedscaleoffset", "offset": -3, "scale": 1, "dtype": "<f8", "astype": "|u1"}]
    job = document({"e": "Encoded"}, {"e__real": None}, encoding={"e__real": {"filters": scale, "fill_value": 252}})
    whole = np.arange(24).reshape(6, 4) + 2
    same(zarr_of(run(context, job)[0])["e__real"][...],
         np.around(whole / 4 + 3) - 3,
         "rounded to the filter's scale")


def test_encodings_that_are_refused(context):
    for encoding, word in (({"e__real": {"compressor": {"id": "lzma"}}}, "lzma"),
                           ({"e__real": {"chunks": [1, 2, 3, 4]}}, "chunk"), ({"e__real": {"chunks": [0, 1, 1]}}, "chunks"),
                           ({"e__real": {"order": "K"}}, "order"), ({"e__real": {"dtype": "<f3"}}, "dtype"),
                           ({"e__real": {"dtyp": "<f4"}}, "dtyp"), ({"e__reel": {}}, "e__real"),
                           ({"e__real": {"filters": [{"id": "crc32"}]}}, "crc32"),
                           ({"e__whole": {"fill_value": 2**31}}, "fill_value"),
                           ({"e__real": {"compressor": {"id": "blosc", "cname": "lz5"}}}, "lz5")):
        refused(context, document({"e": "Encoded"}, ["e__real", "e__whole"], encoding=encoding), word, "/encoding")


if __name__ == "__main__":
    harness.main(globals())
