# SPDX-License-Identifier: Apache-2.0
"""Whether processes of a module may run in different workers, each of which has the module for itself:
not where its functions change what the module, or all of Python, has in common. It is told by their
source, by the plain cases; `__simlab_together__ = True` in a module says it where this does not see it."""

import ast
import os
import sys

SETTERS = frozenset(
    "seterr seterrcall setbufsize setrecursionlimit setlocale setcontext setdefaulttimeout putenv "
    "chdir simplefilter filterwarnings".split()
)
CHANGERS = frozenset(
    "append extend insert add update setdefault pop popitem popleft appendleft remove discard clear "
    "sort reverse fill write".split()
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _root(node):
    """What stands at the left of x.a[0].b, and the names between."""
    names = []
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
        node = node.value
    return node, names[::-1]


def _assigned(body):
    """Names that a block's own statements give values."""
    found, todo = set(), list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            todo += ast.iter_child_nodes(node)
    return found


def _own_names(function):
    """Names that are the function's: its arguments, and what it gives values."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [a for a in (arguments.vararg, arguments.kwarg) if a]
    body = function.body if isinstance(function.body, list) else []
    return {a.arg for a in every} | _assigned(body)


def _is_class(node, names):
    """type(self).x, self.__class__.x"""
    is_type = (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type"
    )
    return is_type or "__class__" in names


class _Finder(ast.NodeVisitor):
    """The first fault in `why`."""

    def __init__(self, tree):
        self.why = None
        self.classes = {n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef)}
        self.common = _assigned(tree.body) | self.classes
        self.in_classes = set()  # names that class bodies give containers
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                self.in_classes |= {
                    t.id
                    for s in node.body
                    if isinstance(s, ast.Assign) and isinstance(s.value, (ast.List, ast.Dict, ast.Set))
                    for t in s.targets
                    if isinstance(t, ast.Name)
                }
        self.functions = []  # names that are theirs, outer ones first
        self.visit(tree)

    def say(self, node, what):
        self.why = self.why or f"line {node.lineno} {what}"

    def is_common(self, node):
        """Whether x.a[0] is, or is part of, what all instances have in common."""
        root, names = _root(node)
        if _is_class(root, names):
            return True
        if isinstance(root, ast.Name) and root.id == "self":
            return bool(names) and names[0] in self.in_classes
        is_own = isinstance(root, ast.Name) and any(root.id in names for names in self.functions)
        return isinstance(root, ast.Name) and root.id in self.common and not is_own

    def visit(self, node):
        if isinstance(node, FUNCTIONS):
            self.functions.append(_own_names(node))
            self.generic_visit(node)
            self.functions.pop()
            return
        super().visit(node)

    def visit_Global(self, node):
        if self.functions:
            self.say(node, f"changes the global {', '.join(node.names)}")

    def _targets(self, node, targets):
        for target in targets:
            parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
            for part in parts:
                is_part = isinstance(part, (ast.Attribute, ast.Subscript))
                # self.x = … gives the instance its own.
                is_own = isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self"
                if self.functions and is_part and not is_own and self.is_common(part):
                    self.say(node, f"changes {ast.unparse(part)}, which all have in common")
        self.generic_visit(node)

    def visit_Assign(self, node):
        self._targets(node, node.targets)

    def visit_AugAssign(self, node):
        self._targets(node, [node.target])

    def visit_Delete(self, node):
        self._targets(node, node.targets)

    def visit_Call(self, node):
        root, names = _root(node.func)
        path = ([root.id] if isinstance(root, ast.Name) else []) + names
        if path and path[-1] == "seed" and (len(path) == 1 or path[-2] == "random"):
            self.say(node, "seeds the random numbers that all have in common")
        elif self.functions and path and path[-1] in SETTERS:
            self.say(node, f"calls {'.'.join(path)}")
        elif self.functions and names and names[-1] in CHANGERS and self.is_common(node.func.value):
            self.say(node, f"changes {ast.unparse(node.func.value)}, which all have in common")
        self.generic_visit(node)


def why_not(directory):
    """Why processes of the modules that were imported from a directory stay in one worker; None: they
    need not."""
    top = os.path.join(directory, "")
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if not file.startswith(top):
            continue
        if getattr(module, "__simlab_together__", False):
            return f"{file[len(top):]} says so"
        try:
            with open(file, "rb") as stream:
                why = _Finder(ast.parse(stream.read())).why
        except (OSError, SyntaxError, ValueError):
            return f"{name} has no source"
        if why:
            return f"{file[len(top):]}, {why}"
    return None
