// SPDX-License-Identifier: Apache-2.0
// What zarrita sees in stores, run by readers.py: node zarrita.mjs FOLDER. FOLDER has NAME.zarr stores and
// NAME.json with the values of each array. Prints as read.py does.
import * as fs from "node:fs";
import * as path from "node:path";
import { createRequire } from "node:module";
import * as zarr from "zarrita";
import { FileSystemStore } from "@zarrita/storage";

const require = createRequire(import.meta.url);
const packageOf = (name) => {
  const at = require.resolve.paths(name).map((p) => path.join(p, name, "package.json")).find((p) => fs.existsSync(p));
  return JSON.parse(fs.readFileSync(at)).version;
};

const number = (v) => (typeof v === "bigint" ? String(v) : typeof v === "number" && !Number.isFinite(v) ? String(v) : v);

function same(seen, want, name) {
  const flat = [...(seen.data ?? [seen])].map(number);
  const odd = flat.length !== want.length ? 0 : flat.findIndex((v, i) => String(v) !== String(want[i]));
  if (odd >= 0) throw new Error(`other values of ${name}: ${flat[odd]}, expected ${want[odd]}`);
}

async function byZarrita(store, wanted) {
  for (const [version, file] of [["v2", ".zgroup"], ["v3", "zarr.json"]]) {
    if (!fs.existsSync(path.join(store, file))) continue;
    const root = zarr.root(new FileSystemStore(store));
    for (const [name, want] of Object.entries(wanted)) {
      const array = await zarr.open[version](root.resolve(name), { kind: "array" });
      same(await zarr.get(array), want, `${name} (${version})`);
    }
  }
}

const folder = process.argv[2];
console.log(JSON.stringify({ zarrita: packageOf("zarrita") }));
for (const entry of fs.readdirSync(folder).filter((n) => n.endsWith(".zarr")).sort()) {
  const store = path.join(folder, entry);
  const wanted = JSON.parse(fs.readFileSync(store.replace(/\.zarr$/, ".json")));
  let wrong = null;
  try {
    await byZarrita(store, wanted);
  } catch (error) {
    wrong = `${error.name}: ${error.message}`.slice(0, 400);
  }
  console.log(JSON.stringify({ reader: "zarrita", store: entry, wrong }));
}
