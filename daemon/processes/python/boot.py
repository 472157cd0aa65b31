# SPDX-License-Identifier: Apache-2.0
"""Run first, with `sources`: name of a module -> (its text, whether it is a package). The package
`simlab` that models import is the one that this library was built with."""

import importlib.abc
import importlib.util
import sys


class Embedded(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name not in sources:
            return None
        return importlib.util.spec_from_loader(name, self, is_package=sources[name][1])

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        code = compile(sources[module.__name__][0], f"<{module.__name__}>", "exec")
        exec(code, module.__dict__)


sys.meta_path.insert(0, Embedded())
