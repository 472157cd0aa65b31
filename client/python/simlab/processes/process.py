# SPDX-License-Identifier: Apache-2.0
"""Process classes: the decorator, and what it leaves on a class.

A decorated class has `__simlab_process__`: its variables by name, inherited ones first.
"""

import enum
import inspect

from .declaration import NOTHING, Declaration

STAGES = ("initialize", "run_step", "finalize_step", "finalize")

RUNTIME_ARGUMENTS = (
    "batch",
    "batch_size",
    "main_clock_dataarray",
    "main_clock_values",
    "nsteps",
    "sim_end",
    "sim_start",
    "step",
    "step_delta",
    "step_end",
    "step_start",
)


class RuntimeSignal(enum.Enum):
    """What a stage method may return to change how the run goes on; the highest prevails."""

    NONE = 0
    SKIP = 1
    CONTINUE = 2
    BREAK = 3


class NotAProcessClassError(ValueError):
    pass


def is_process(cls):
    """Whether this very class is decorated (not only one that it inherits from)."""
    return inspect.isclass(cls) and (
        "__simlab_process__" in vars(cls) or "__xsimlab_cls__" in vars(cls)
    )


def declarations(process):
    """The variables of a process class, or of an instance: name -> Declaration."""
    cls = process if inspect.isclass(process) else type(process)
    found = getattr(cls, "__simlab_process__", None)
    if found is not None:
        return found
    if "__xsimlab_cls__" in vars(cls):
        from .peer import declarations_of

        return declarations_of(cls)
    raise NotAProcessClassError(f"{cls!r} is no process class: it lacks the decorator @process")


def filter_variables(process, var_type=None, intent=None, group=None, func=None):
    """Those variables of a process that are of this kind, intent and group, by name."""
    return {
        name: v
        for name, v in declarations(process).items()
        if (var_type is None or v.kind == var_type)
        and (intent is None or v.intent == intent)
        and (group is None or group in v.groups)
        and (func is None or func(v))
    }


# ---- stage methods ----


def runtime(meth=None, args=None):
    """Names what a stage method is given: `@runtime(args="step_delta, batch")`."""
    if args is None:
        names = ()
    elif isinstance(args, str):
        names = tuple(name.strip() for name in args.split(",") if name.strip())
    elif isinstance(args, (list, tuple)):
        names = tuple(args)
    else:
        raise ValueError("args is a text of names, a list or a tuple")
    for name in names:
        if name not in RUNTIME_ARGUMENTS:
            raise ValueError(f"{name!r} is none of {', '.join(RUNTIME_ARGUMENTS)}")

    def mark(method):
        method.__simlab_runtime__ = names
        return method

    return mark if meth is None else mark(meth)


def stage_arguments(cls, stage):
    """What the method of a stage is given; None where the class has no such method."""
    method = getattr(cls, stage, None)
    if not callable(method):
        return None
    names = getattr(method, "__simlab_runtime__", None)
    if names is not None:
        return names
    marked = getattr(method, "__xsimlab_executor__", None)
    if marked is not None:
        return tuple(marked.args)
    n = len(inspect.signature(method).parameters) - 1
    if n == 0:
        return ()
    if n == 1 and stage == "run_step":  # xarray-simlab's old form
        return ("step_delta",)
    raise TypeError(
        f"{cls.__name__}.{stage} takes arguments: name them, as in @runtime(args=\"step_delta\")"
    )


# ---- the decorator ----


def _collect(cls):
    found = {}
    for base in reversed(cls.__mro__):
        if "__simlab_process__" not in vars(base) and "__xsimlab_cls__" in vars(base):
            found.update(declarations(base))
            continue
        for name, value in list(vars(base).items()):
            if isinstance(value, Declaration):
                found.pop(name, None)
                found[name] = value
    return found


def _check(cls, found):
    for name, v in found.items():
        if v.kind == "on_demand" and v.compute_method is None:
            raise KeyError(
                f"on_demand variable {name!r} of {cls.__name__} has no compute method: "
                f"decorate one with @{name}.compute"
            )
        if v.kind == "foreign" and not isinstance(v.target[0], str):
            _check_target(cls, v)


def _check_target(cls, v):
    other, name = v.target
    target = declarations(other)[name]
    if target.kind in ("group", "group_dict"):
        raise ValueError(
            f"variable {v.name!r} of {cls.__name__} refers to the group variable "
            f"{other.__name__}.{name}: declare it as a group itself"
        )
    if v.intent == "out" and target.intent == "out":
        raise ValueError(
            f"variable {v.name!r} of {cls.__name__} and its target {other.__name__}.{name} both "
            "have intent 'out'"
        )


def default_of(v, instance):
    """A declaration's default for an instance, or NOTHING."""
    if v.default_method is not None:
        return v.default_method(instance)
    return v.default_value


def _init(self, **values):
    """As a plain object: what is given, else defaults."""
    found = declarations(self)
    for name in values:
        if name not in found or found[name].intent == "out":
            raise TypeError(f"{type(self).__name__} has no input {name!r}")
    for name, v in found.items():
        if v.intent == "out":
            continue
        value = values[name] if name in values else default_of(v, self)
        if value is NOTHING:
            raise TypeError(f"{type(self).__name__} needs a value of {name!r}")
        if v.converter and v.kind != "group":
            value = v.converter(value)
        self.__dict__[name] = value
    for name, v in found.items():
        for validate in v.validators if name in self.__dict__ else ():
            validate(self, v, self.__dict__[name])


def process(maybe_cls=None, autodoc=True, apply_attrs=True):
    """Makes a class with variables and stage methods a process class."""
    del apply_attrs  # there is nothing to apply

    def wrap(cls):
        found = _collect(cls)
        _check(cls, found)
        for stage in STAGES:
            stage_arguments(cls, stage)
        cls.__simlab_process__ = found
        cls.__xsimlab_cls__ = cls  # what callers of xarray-simlab look for
        cls.__init__ = _init
        if autodoc:
            cls.__doc__ = _document(cls, found)
        return cls

    return wrap if maybe_cls is None else wrap(maybe_cls)


# ---- words for people ----


def describe_dims(v):
    return " or ".join("(" + ", ".join(str(d) for d in a) + ")" for a in v.dims)


def _document(cls, found):
    text = inspect.cleandoc(vars(cls).get("__doc__") or "").rstrip()
    lines = [f"{text}\n" if text else "", "Attributes", "----------"]
    for name, v in found.items():
        lines.append(f"{name} : {v.kind}, {v.intent}, {describe_dims(v)}")
        if v.description:
            lines.append(f"    {v.description}")
    return "\n".join(lines) if found else text


def process_info(process, buf=None):
    """Prints a process's variables and stages."""
    cls = process if inspect.isclass(process) else type(process)
    lines = [f"<{cls.__name__}>", "Variables:"]
    for name, v in declarations(cls).items():
        lines.append(f"  {name:20} [{v.intent}] {describe_dims(v)} {v.description}".rstrip())
    lines.append("Simulation stages:")
    lines += [f"  {stage}" for stage in STAGES if stage_arguments(cls, stage) is not None]
    print("\n".join(lines), file=buf)


def variable_info(process, var_name, buf=None):
    """Prints all that is declared of a variable."""
    v = declarations(process)[var_name]
    print(f"{v.description}\n" if v.description else "", end="", file=buf)
    for what in ("kind", "intent", "groups", "global_name", "static", "attrs", "encoding"):
        print(f"- {what}: {getattr(v, what)}", file=buf)
    print(f"- dims: {describe_dims(v)}", file=buf)
