# SPDX-License-Identifier: Apache-2.0
"""Validators: callables (instance, variable, value) that raise where a value is wrong."""

import numpy as np

__all__ = ["in_bounds", "is_subdtype"]


class in_bounds:
    """Each element lies in an interval; None is an open end, `closed` says which bounds belong to
    it. simlabd checks it at submission."""

    def __init__(self, bounds, closed=(True, True)):
        self.bounds, self.closed = tuple(bounds), tuple(closed)
        low, high = self.bounds
        if low is not None and high is not None and high < low:
            raise ValueError(f"bounds {self.text()}: the upper one is below the lower one")

    def text(self):
        (low, high), (with_low, with_high) = self.bounds, self.closed
        return f"{'[' if with_low else '('}{low}, {high}{']' if with_high else ')'}"

    def __repr__(self):
        return f"<in_bounds {self.text()}>"

    def __call__(self, instance, variable, value):
        (low, high), (with_low, with_high) = self.bounds, self.closed
        wrong = False
        if low is not None:
            wrong = np.any(value < low if with_low else value <= low)
        if high is not None:
            wrong = wrong or np.any(value > high if with_high else value >= high)
        if wrong:
            what = f"value {value}" if np.ndim(value) == 0 else "an element"
            raise ValueError(f"{what} of variable {variable.name!r} is out of bounds {self.text()}")


class is_subdtype:
    """The value's dtype is this one, or belongs to this family of dtypes (np.integer …)."""

    def __init__(self, dtype):
        self.dtype = dtype

    def __repr__(self):
        return f"<is_subdtype {self.dtype!r}>"

    def __call__(self, instance, variable, value):
        dtype = np.asarray(value).dtype
        if not np.issubdtype(dtype, self.dtype):
            raise TypeError(
                f"variable {variable.name!r} has dtype {dtype}, which is no {self.dtype!r}"
            )
