# SPDX-License-Identifier: Apache-2.0
"""Classes that an installed xarray-simlab has decorated, taken as they are."""

import attr

from .declaration import MAIN_CLOCK, NOTHING, Declaration


def _dims(metadata):
    alternatives = metadata.get("dims", ((),))
    # Its main clock is a sentinel of its own: no text.
    return tuple(tuple(d if isinstance(d, str) else MAIN_CLOCK for d in a) for a in alternatives)


def _default(attribute):
    if attribute.default is attr.NOTHING:
        return NOTHING
    if isinstance(attribute.default, attr.Factory):
        return NOTHING if attribute.default.takes_self else attribute.default.factory()
    return attribute.default


def _validators(attribute):
    validator = attribute.validator
    if validator is None:
        return []
    return list(getattr(validator, "_validators", [validator]))


def _declaration(attribute):
    m = attribute.metadata
    kind = m["var_type"].value
    v = Declaration(
        kind,
        m["intent"].value,
        _dims(m),
        groups=m.get("groups"),
        group=m.get("group"),
        global_name=m.get("global_name"),
        target=(m["other_process_cls"], m["var_name"]) if kind == "foreign" else None,
        static=m.get("static", False),
        default=_default(attribute) if m["intent"].value != "out" else NOTHING,
        validators=_validators(attribute),
        converter=attribute.converter,
        description=m.get("description"),
        attrs=m.get("attrs"),
        encoding=m.get("encoding"),
    )
    default = attribute.default
    if isinstance(default, attr.Factory) and default.takes_self:
        v.default_method = default.factory
    v.compute_method = m.get("compute_method")
    v.compute_cache = m.get("compute_cache", False)
    v.name = attribute.name
    return v


def declarations_of(cls):
    return {
        a.name: _declaration(a) for a in attr.fields(cls) if a.metadata.get("var_type") is not None
    }
