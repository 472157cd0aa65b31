# SPDX-License-Identifier: Apache-2.0
"""As the part "kills", with members in Python (tests/lib/python/varied.py)."""
import os
import shutil

import harness
import kills

MODULE = os.path.join(harness.REPOSITORY, "tests/lib/python/varied.py")


def library(context):
    """A directory in which the module is a library."""
    host = context.program("python/python.so")
    if not os.path.exists(host):
        raise harness.Skip("Python's headers were not there when this was built")
    folder = context.directory("varied_python")
    os.symlink(host, os.path.join(folder, "varied.so"))
    shutil.copy(MODULE, folder)
    with open(os.path.join(folder, "varied.files"), "w", encoding="utf-8") as file:
        file.write("varied.py\n")
    return folder


def turn(context, drawn, **how):
    return kills.turn(context, drawn, library=library(context), has_hooks=False, **how)
