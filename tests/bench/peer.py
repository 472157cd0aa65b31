# SPDX-License-Identifier: Apache-2.0
"""xarray-simlab on the same model, where a copy of it is installed or in $PYTHONPATH: prints the seconds of one
run of advect, and members a second by its processes. `peer_reference` is tests/lib/python/reference.py, which was
written for it."""
import time

import numpy

MEMBERS = 100


def main():
    import peer_reference as reference  # pylint: disable=import-error
    import xsimlab as xs  # pylint: disable=import-error

    model = xs.Model({"grid": reference.UniformGrid1D, "profile": reference.ProfileU, "init": reference.InitUGauss,
                      "advect": reference.AdvectionLax})
    setup = xs.create_setup(model=model, main_clock="time",
                            clocks={"time": numpy.linspace(0, 1, 101), "otime": numpy.array([0, 0.5, 1.0])},
                            input_vars={"grid": {"length": 1.5, "spacing": 0.01}, "init": {"loc": 0.3, "scale": 0.1},
                                        "advect__v": 0.5},
                            output_vars={"profile__u": "otime"})
    times = []
    for _ in range(5):
        began = time.perf_counter()
        setup.xsimlab.run(model=model)
        times.append(time.perf_counter() - began)
    batch = setup.xsimlab.update_vars(
        model=model, input_vars={"advect__v": ("batch", numpy.linspace(0.1, 0.9, MEMBERS))})
    began = time.perf_counter()
    batch.xsimlab.run(model=model, batch_dim="batch", parallel=True, scheduler="processes")
    print(sorted(times)[2], MEMBERS / (time.perf_counter() - began))


if __name__ == "__main__":  # its worker processes import this file
    main()
