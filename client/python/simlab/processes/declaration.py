# SPDX-License-Identifier: Apache-2.0
"""Variables as a process class declares them."""

NOTHING = type("NOTHING", (), {"__repr__": lambda self: "NOTHING", "__bool__": lambda self: False})()


class _MainClock:
    """In `dims`: the dimension of the main clock, whatever its name."""

    def __repr__(self):
        return "MAIN_CLOCK"


MAIN_CLOCK = _MainClock()

KINDS = ("variable", "index", "foreign", "global", "group", "group_dict", "on_demand", "object")
INTENTS = ("in", "out", "inout")


def dims_alternatives(dims):
    """The accepted dims as a tuple of tuples: a list holds alternatives, all else is one."""
    if dims is MAIN_CLOCK or isinstance(dims, str):
        alternatives = [(dims,) if dims is MAIN_CLOCK or dims else ()]
    elif isinstance(dims, list):
        alternatives = [(d,) if d is MAIN_CLOCK or isinstance(d, str) else tuple(d) for d in dims]
    else:
        alternatives = [tuple(dims)]
    alternatives = tuple(alternatives) or ((),)
    numbers = [len(a) for a in alternatives]
    for a in alternatives:
        if numbers.count(len(a)) > 1:
            raise ValueError(
                f"dims {dims!r} are ambiguous: more than one alternative has {len(a)} dimension(s)"
            )
        for name in a:
            if name is not MAIN_CLOCK and not isinstance(name, str):
                raise TypeError(f"dims {dims!r}: {name!r} is no name of a dimension")
    return alternatives


def _names(groups):
    if groups is None:
        return ()
    return (groups,) if isinstance(groups, str) else tuple(groups)


class Declaration:
    """One variable of a process class.

    On an instance that belongs to no running model it is a plain attribute; a worker puts its own
    in the place of it.
    """

    def __init__(self, kind, intent="in", dims=((),), **more):
        if intent not in INTENTS:
            raise ValueError(f"intent {intent!r} is none of in, out, inout")
        self.name = None  # set when the class is made
        self.kind = kind
        self.intent = intent
        self.dims = dims
        self.groups = _names(more.get("groups"))
        self.group = more.get("group")
        self.global_name = more.get("global_name")
        self.target = more.get("target")  # foreign: (class or "library.Type", name)
        self.static = bool(more.get("static", False))
        self.default_value = more.get("default", NOTHING)
        self.default_method = None
        self.validators = more.get("validators", [])
        self.converter = more.get("converter")
        self.description = more.get("description") or ""
        self.attrs = dict(more.get("attrs") or {})
        self.encoding = dict(more.get("encoding") or {})
        self.compute_method = None
        self.compute_cache = False

    def __set_name__(self, owner, name):
        self.name = name

    def __repr__(self):
        return f"<{self.kind} {self.name!r}, intent {self.intent}>"

    # ---- decorators within the class ----

    def compute(self, method=None, *, cache=False):
        """`@x.compute`, or `@x.compute(cache=True)`: how an on_demand variable is computed."""
        if self.kind != "on_demand":
            raise TypeError(f"variable {self.name!r} is no on_demand variable")

        def take(method):
            self.compute_method, self.compute_cache = method, bool(cache)
            return method

        return take if method is None else take(method)

    def validator(self, method):
        """`@x.validator`: a method (self, variable, value) that raises where the value is wrong."""
        self.validators = [*self.validators, method]
        return method

    def default(self, method):
        """`@x.default`: a method (self) that gives the default value."""
        self.default_method = method
        return method

    # ---- as an attribute ----

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        if self.kind == "on_demand":
            return self.compute_method(instance)
        try:
            return instance.__dict__[self.name]
        except KeyError:
            raise AttributeError(
                f"variable {self.name!r} of {type(instance).__name__} has no value yet"
            ) from None

    def __set__(self, instance, value):
        if self.kind in ("on_demand", "group", "group_dict"):
            raise AttributeError(f"variable {self.name!r} is {self.kind}: it cannot be set")
        instance.__dict__[self.name] = self.converter(value) if self.converter else value

    def empty(self, instance, shape, dtype):
        """As the host's own, outside a worker."""
        import numpy  # not every declaration needs it

        instance.__dict__[self.name] = numpy.empty(shape, dtype)
        return instance.__dict__[self.name]


def _validators(validator):
    if validator is None:
        return []
    return list(validator) if isinstance(validator, (list, tuple)) else [validator]


def variable(
    dims=(),
    intent="in",
    global_name=None,
    group=None,
    groups=None,
    default=NOTHING,
    validator=None,
    converter=None,
    static=False,
    description="",
    attrs=None,
    encoding=None,
):
    """A value that the process needs (`in`), sets (`out`) or changes (`inout`)."""
    alternatives = dims_alternatives(dims)
    if intent != "out" and any(MAIN_CLOCK in a for a in alternatives):
        raise ValueError("an input cannot have MAIN_CLOCK among its dims")
    return Declaration(
        "variable",
        intent,
        alternatives,
        global_name=global_name,
        groups=_names(groups) + tuple(g for g in _names(group) if g not in _names(groups)),
        default=NOTHING if intent == "out" else default,
        validators=_validators(validator),
        converter=converter,
        static=static,
        description=description,
        attrs=attrs,
        encoding=encoding,
    )


def index(dims, global_name=None, groups=None, description="", attrs=None, encoding=None):
    """A coordinate, which the process sets."""
    alternatives = dims_alternatives(dims)
    if () in alternatives:
        raise ValueError("an index has at least one dimension")
    return Declaration(
        "index",
        "out",
        alternatives,
        global_name=global_name,
        groups=groups,
        description=description,
        attrs=attrs,
        encoding=encoding,
    )


def on_demand(dims=(), group=None, groups=None, description="", attrs=None, encoding=None):
    """A value that is computed when it is read, by the method under `@x.compute`."""
    return Declaration(
        "on_demand",
        "out",
        dims_alternatives(dims),
        groups=_names(groups) + tuple(g for g in _names(group) if g not in _names(groups)),
        description=description,
        attrs=attrs,
        encoding=encoding,
    )


def empty(instance, name, shape, dtype=float):
    """An array of this shape that is the variable's value from now on, to be filled: nothing is
    copied afterwards. Its elements are undefined. `xs.empty(self, "u", self.x.shape)[...] = 0`"""
    return getattr(type(instance), name).empty(instance, shape, dtype)


def any_object(global_name=None, groups=None, description="", attrs=None):
    """Any Python object, for other processes in Python; never an input or an output."""
    return Declaration(
        "object", "out", global_name=global_name, groups=groups, description=description, attrs=attrs
    )


def foreign(other_process_cls, var_name, intent="in"):
    """A variable of another process class; of a type in another language by its name:
    `foreign("landscape.Topography", "elevation")`."""
    if intent == "inout":
        raise ValueError("a foreign variable cannot have intent inout: in, or out")
    if isinstance(other_process_cls, str):
        return Declaration("foreign", intent, target=(other_process_cls, var_name))
    from .process import declarations  # its module needs this one

    try:
        other = declarations(other_process_cls)[var_name]
    except KeyError:
        raise KeyError(
            f"process class {other_process_cls.__name__} has no variable {var_name!r}"
        ) from None
    return Declaration(
        "foreign",
        intent,
        other.dims,
        target=(other_process_cls, var_name),
        description=other.description,
        attrs=other.attrs,
        encoding=other.encoding,
    )


def global_ref(name, intent="in"):
    """The variable somewhere in the model that has this `global_name`."""
    if intent == "inout":
        raise ValueError("a global reference cannot have intent inout: in, or out")
    return Declaration("global", intent, global_name=name)


def group(name):
    """The values of all variables in the model that belong to this group."""
    return Declaration(
        "group", group=name, description=f"all variables of group {name!r}", default=()
    )


def group_dict(name):
    """The same as a mapping: (process name, variable name) -> value."""
    return Declaration(
        "group_dict", group=name, description=f"all variables of group {name!r}, by name", default={}
    )
