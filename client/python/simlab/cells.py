# SPDX-License-Identifier: Apache-2.0
"""Classes that are defined in a notebook's cells, or in the script that runs, as the text of a module.

Of each class its own source is taken, and what it names: modules are imported, functions and classes
of the same place are taken along, small constants are written down. Nothing else that stands in a
cell is run again.
"""

import ast
import getpass
import inspect
import linecache
import re
import sys
import types

HINT = "write the classes into a file, as model.py, and import it"


class NoSource(ValueError):
    """A class or function whose source is not to be had, or that needs what cannot be told."""


def module_name():
    """One for each user: those of several people do not take one another's place."""
    return "notebook_" + re.sub(r"[^0-9A-Za-z_]", "_", getpass.getuser())


def module_text(classes):
    """The text of a module that defines these classes, and what they need, as in `__main__`."""
    space = vars(sys.modules["__main__"])
    texts = {}
    for cls in classes:
        _add(cls.__name__, cls, space, texts, set())
    return "\n\n".join(texts.values()) + "\n"


# ---- where a definition stands ----


def _candidates(value):
    """Names under which linecache has the text, the likeliest first."""
    codes = [f.__code__ for f in [value, *vars(value).values()] if isinstance(f, types.FunctionType)]
    yield from dict.fromkeys(code.co_filename for code in codes)
    main = getattr(sys.modules["__main__"], "__file__", None)
    if main:
        yield main
    # Cells, the last one first: a class without methods does not say where it stands.
    yield from (name for name in reversed(list(linecache.cache)) if name.startswith("<") or "ipykernel" in name)


def _definition(name, value):
    """(text, tree) of the last definition of a name."""
    for place in _candidates(value):
        text = "".join(linecache.getlines(place))
        try:
            body = ast.parse(text).body
        except SyntaxError:  # of a cell with %magic
            continue
        for node in reversed(body):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                return "\n".join(text.split("\n")[first - 1:node.end_lineno]), node
    raise NoSource(f"the source of {name} is not to be had: {HINT}")


# ---- what it needs ----


def _names(node):
    """What a definition names and does not define itself, in order."""
    bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    bound |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    used = (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    return [n for n in dict.fromkeys(used) if n not in bound]


def _is_plain(value):
    if isinstance(value, (tuple, list)):
        return all(_is_plain(v) for v in value)
    if isinstance(value, dict):
        return all(_is_plain(v) for pair in value.items() for v in pair)
    return value is None or isinstance(value, (bool, int, float, complex, str, bytes))


def _text(name, value, space, texts, under_way):
    if isinstance(value, types.ModuleType):
        return f"import {value.__name__} as {name}"
    home, own = getattr(value, "__module__", None), getattr(value, "__name__", name)
    if home != "__main__" and getattr(sys.modules.get(home), own, None) is value:
        return f"from {home} import {own} as {name}"
    if inspect.isclass(value) or isinstance(value, types.FunctionType):
        text, node = _definition(value.__name__, value)
        for needed in _names(node):
            if needed in space and needed != name:
                _add(needed, space[needed], space, texts, under_way)
        return text if value.__name__ == name else f"{text}\n\n\n{name} = {value.__name__}"
    if _is_plain(value):
        return f"{name} = {value!r}"
    raise NoSource(
        f"{name} ({type(value).__name__}) is named in a class, and is no module, function, class, "
        f"number or text: {HINT}"
    )


def _add(name, value, space, texts, under_way):
    if name in texts or name in under_way:
        return
    under_way.add(name)
    texts[name] = _text(name, value, space, texts, under_way)
