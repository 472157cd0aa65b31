#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The gallery, client/README.md: each picture is what the command beside it draws, and each kind of
picture that there is has one. SIMLAB_TEST_GALLERY names a directory where what was drawn is put."""
import os
import re
import shutil
import subprocess
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, REPOSITORY

import numpy as np  # pylint: disable=wrong-import-position

CLIENT = os.path.join(REPOSITORY, "client")
MOST_BYTES = 60000
with open(os.path.join(CLIENT, "README.md"), encoding="utf-8") as text:
    PAGE = text.read()
JOBS = re.search(r"^```sh\n(for job .*?)^```", PAGE, re.S | re.M).group(1)
SHOWN = re.findall(r"^```sh\n(simlab plot [^\n]*)\n```\n!\[[^\]]+\]\(([^)]+)\)$", PAGE, re.M)


class Picture:
    """A PNG file: its chunks, texts, and the pixels of its first frame."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        equal(data[:8], b"\x89PNG\r\n\x1a\n", f"signature of {path}")
        self.bytes, self.chunks, at = len(data), [], 8
        while at < len(data):
            size = int.from_bytes(data[at:at + 4], "big")
            kind, body = data[at + 4:at + 8], data[at + 8:at + 8 + size]
            equal(int.from_bytes(data[at + 8 + size:at + 12 + size], "big"), zlib.crc32(kind + body),
                  f"{path}: checksum of {kind}")
            self.chunks.append((kind.decode(), body))
            at += size + 12
        head = self.all("IHDR")[0]
        self.width, self.height = (int.from_bytes(head[i:i + 4], "big") for i in (0, 4))
        equal(head[8:], bytes([8, 2, 0, 0, 0]), f"{path}: 8 bits of red, green and blue")
        self.texts = {}
        for body in self.all("iTXt"):
            key, rest = body.split(b"\0", 1)
            self.texts[key.decode()] = rest[2:].split(b"\0", 2)[2].decode()

    def all(self, kind):
        return [body for k, body in self.chunks if k == kind]

    def pixels(self):
        lines = np.frombuffer(zlib.decompress(b"".join(self.all("IDAT"))), np.uint8)
        lines = lines.reshape(self.height, 1 + 3 * self.width)
        rows, above = [], np.zeros(3 * self.width, np.uint8)
        for line in lines:
            above = unfiltered(int(line[0]), line[1:], above)
            rows.append(above)
        return np.array(rows).reshape(self.height, self.width, 3)


def unfiltered(kind, line, above):
    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line.reshape(-1, 3), axis=0, dtype=np.uint8).reshape(-1)
    if kind == 2:
        return line + above
    row, up = [0, 0, 0], [0, 0, 0] + above.tolist()
    for i, value in enumerate(line.tolist(), 3):
        a, b, c = row[i - 3], up[i], up[i - 3]
        if kind == 3:
            guess = (a + b) // 2
        else:
            nearest = min(abs(b - c), abs(a - c), abs(a + b - 2 * c))
            guess = a if abs(b - c) == nearest else b if abs(a - c) == nearest else c
        row.append((value + guess) & 255)
    return np.array(row[3:], np.uint8)


def shell(context, folder, command):
    path = context.build + os.pathsep + os.environ["PATH"]
    ended = subprocess.run(["/bin/sh", "-ec", command], cwd=folder, env={**os.environ, "PATH": path}, text=True,
                           capture_output=True, timeout=harness.WAIT, check=False)
    equal(ended.returncode, 0, f"exit of {command!r}: {ended.stderr}")
    return ended.stdout


def stores(context):
    folder = context.directory("gallery")
    os.symlink(CLIENT, os.path.join(folder, "client"))
    shell(context, folder, JOBS)
    return folder


def same_picture(made, shown, name):
    """Every pixel, but for a few that another machine's arithmetic may round to its neighbour."""
    equal((made.width, made.height), (shown.width, shown.height), f"size of {name}")
    equal(made.texts, shown.texts, f"texts of {name}")
    for kind in ("acTL", "fcTL"):
        equal(len(made.all(kind)), len(shown.all(kind)), f"{kind} of {name}")
    apart = np.abs(made.pixels().astype(int) - shown.pixels()).max(axis=2) > 16
    check(apart.mean() < 0.002, f"{name}: {apart.sum()} pixels are not those of the page. Look at it "
          "(SIMLAB_TEST_GALLERY=DIR puts it there), and if it is right, take it")


def has_ink_around(picture, name):
    """Texts stand at the left of what is drawn and below it, and the edges are free."""
    dark = picture.pixels().max(axis=2) < 140
    edge = 8
    check(not dark[:edge].any() and not dark[-edge:].any() and not dark[:, :edge].any() and not dark[:, -edge:].any(),
          f"{name}: something is cut by an edge")
    for place, part in (("left", dark[:, :75]), ("below", dark[-90:]), ("above", dark[:80])):
        check(part.sum() > 30, f"{name}: {part.sum()} dark pixels {place}")


def test_each_command_draws_its_picture(context):
    folder = stores(context)
    kept = os.environ.get("SIMLAB_TEST_GALLERY")
    check(len(SHOWN) >= 10, f"commands with pictures: {SHOWN}")
    equal(sorted(f"gallery/{n}" for n in os.listdir(os.path.join(CLIENT, "gallery")) if n.endswith(".png")),
          sorted(shown for _, shown in SHOWN), "pictures that the page shows")
    lines = [shell(context, folder, command) for command, _ in SHOWN]
    for _, link in SHOWN if kept else ():
        shutil.copy(os.path.join(folder, os.path.basename(link)), kept)
    for (command, link), said in zip(SHOWN, lines):
        name = os.path.basename(link)
        made, shown = Picture(os.path.join(folder, name)), Picture(os.path.join(CLIENT, link))
        equal(said, f"{name}: {made.texts['Description']}\n", f"what {command} says")
        check(shown.bytes < MOST_BYTES, f"{link} has {shown.bytes} bytes")
        has_ink_around(made, name)
        same_picture(made, shown, name)


def test_each_kind_has_a_picture(context):
    """Of those that --help lists: what is drawn stands first in what is said."""
    listed = context.run("simlab-worker", "plot", "--help").stdout
    kinds = re.findall(r"^ {26}(\w+) ", listed, re.M)
    words = {"lines": "line", "bands": "quantiles", "histogram": "members of .* in .* bins", "scatter": "points of"}
    said = [Picture(os.path.join(CLIENT, link)).texts["Description"] for _, link in SHOWN]
    check({"map", "relief", "diverging", *words} <= set(kinds), f"kinds: {kinds}")
    for kind in kinds:
        word = words.get(kind, kind)
        if kind != "shade":  # the same in grey
            check(any(re.search(word, s) for s in said), f"no picture of {kind}: {said}")
    check(any(len(Picture(os.path.join(CLIENT, link)).all("fcTL")) > 1 for _, link in SHOWN), "no animation")


def test_damage_is_told(context):
    """A picture is drawn whole or not at all: of a store that is cut or lies there is none."""
    folder = stores(context)

    def refused(store, words, codes):
        drawn = os.path.join(folder, "none.png")
        ended = context.run("simlab-worker", "plot", os.path.join(folder, store), "pop__n", "-o", drawn)
        check(ended.returncode in codes and words in ended.stderr, f"{store}: exit {ended.returncode}, {ended.stderr}")
        equal((ended.stdout, os.path.exists(drawn)), ("", False), store)

    def damaged(name, path, change):
        shutil.copytree(os.path.join(folder, "population.zarr"), os.path.join(folder, name))
        with open(os.path.join(folder, name, path), "r+b") as file:
            data = file.read()
            file.seek(0)
            file.truncate()
            file.write(change(data))
        return name

    chunk = next(n for n in sorted(os.listdir(os.path.join(folder, "population.zarr/pop__n"))) if n[0] != ".")
    refused(damaged("cut.zarr", f"pop__n/{chunk}", lambda d: d[:len(d) // 2]), "pop__n", (1,))
    refused(damaged("turned.zarr", f"pop__n/{chunk}", lambda d: d[:8] + d[:7:-1]), "pop__n", (1,))
    refused(damaged("open.zarr", "pop__n/.zarray", lambda d: d[:-3]), "pop__n", (1, 2))
    refused(damaged("huge.zarr", "pop__n/.zarray", lambda d: d.replace(b"400", b"4000000000000", 1)), "pop__n", (1, 2))
    refused("nowhere.zarr", "nowhere.zarr", (2,))


def test_what_is_missing_is_told(context):
    """Members that died are gaps, and counted; nothing of a store reaches the terminal as a command."""
    folder = stores(context)
    store = os.path.join(folder, "population.zarr")
    chunks = sorted(n for n in os.listdir(os.path.join(store, "pop__n")) if n[0] != ".")
    for name in chunks:
        os.remove(os.path.join(store, "pop__n", name))
    attrs = os.path.join(store, "pop__n/.zattrs")
    with open(attrs, encoding="utf-8") as file:
        told = harness.json.load(file)
    with open(attrs, "w", encoding="utf-8") as file:
        harness.json.dump({**told, "long_name": "evil \x1b[31m\n\u202e name"}, file)
    drawn = os.path.join(folder, "none.png")
    ended = context.run("simlab-worker", "plot", store, "pop__n", "--kind", "lines", "-o", drawn)
    equal(ended.returncode, 0, ended.stderr)
    check("gaps: 24400 of 24400 values are missing, all of 400 of 400 along batch" in ended.stdout, ended.stdout)
    texts = Picture(drawn).texts
    check("evil \\x1b[31m\\n\\u202e name" in texts["Title"], str(texts))
    check(all(t.isprintable() for t in [*texts.values(), ended.stdout.rstrip("\n")]), f"{texts} {ended.stdout!r}")


if __name__ == "__main__":
    harness.main(globals())
