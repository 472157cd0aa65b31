# SPDX-License-Identifier: Apache-2.0
"""The pipe that steps of patient.c wait at."""
import os


class Patience:
    """Each byte lets one step go on."""

    def __init__(self, context):
        self.path = os.path.join(context.directory("patience"), "pipe")
        os.mkfifo(self.path)
        self.end = os.open(self.path, os.O_RDWR)

    def environment(self):
        return {"SIMLAB_TEST_PATIENCE": self.path}

    def give(self, n):
        os.write(self.end, b"." * n)

    def close(self):
        os.close(self.end)
