// Bundles the editor into static files that are committed: `make editor`. Whiteslip itself needs no node.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import * as esbuild from "esbuild";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const OUT = path.resolve(HERE, "../../src/whiteslip/web/kit/static/policy-editor");
const LIBRARY = /@gorules[/\\]jdm-editor[/\\]dist[/\\]index\.js$/;
const LEFT_OUT = ["monaco-editor", "@monaco-editor/react", "@gorules/zen-engine-wasm", "exceljs", "react-json-tree", "to-json-schema"];

// Texts that stand elsewhere than in an attribute, links to another host, and kinds of node that no policy
// may have. Each must be found: a new version of the library that words it otherwise fails here.
const CHANGES = [
  [/"Nodes" : "Graph"/g, '"Nodes" : word("Graph")'],
  [/"Are you sure you want to delete "/g, 'word("Are you sure you want to delete ")'],
  [/" node\."/g, 'word(" node.")'],
  [/"create" \? "Create" : "Update"/g, '"create" ? word("Create") : word("Update")'],
  [/=> "Settings"/g, '=> word("Settings")'],
  [/documentationUrl: "https:[^"]*"/g, "documentationUrl: undefined"],
  [/core: Object\.values\((\w+)\)/g, "core: Object.values($1).slice(0, 4)"],
];
const ATTRIBUTE = /\b(children|title|label|placeholder|okText|cancelText|displayName|shortDescription|left): "([^"]+)"/g;

function spoken(source, chinese) {
  for (const [from, to] of CHANGES) {
    if (!source.match(from)) throw new Error(`the library has no ${from}`);
    source = source.replace(from, to);
  }
  return source.replace(ATTRIBUTE, (whole, key, text) => (text in chinese ? `${key}: word("${text}")` : whole));
}

const inLanguages = {
  name: "in-languages",
  setup(build) {
    build.onLoad({ filter: LIBRARY }, async ({ path: file }) => {
      const chinese = JSON.parse(await readFile(path.join(HERE, "src/words.zh-CN.json"), "utf8"));
      const words = JSON.stringify(path.join(HERE, "src/words.js"));
      const source = spoken(await readFile(file, "utf8"), chinese);
      return { contents: `import { word } from ${words};\n${source}`, loader: "js" };
    });
    build.onResolve({ filter: /^@codemirror\/autocomplete$/ }, ({ importer }) =>
      LIBRARY.test(importer) ? { path: path.join(HERE, "src/typing.js") } : undefined);
  },
};

async function licences(inputs) {
  const found = new Map();
  for (const input of Object.keys(inputs)) {
    const folder = input.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/)?.[0];
    if (!folder) continue;
    const at = path.join(HERE, folder);
    const { name, version, license } = JSON.parse(await readFile(path.join(at, "package.json"), "utf8"));
    const file = (await readdir(at)).find((each) => /^(licen[cs]e|copying)/i.test(each));
    const text = file ? (await readFile(path.join(at, file), "utf8")).trim() : `Licence: ${license}`;
    found.set(`${name} ${version}`, { license, text });
  }
  const strange = [...found].filter(([, { license }]) => !/^(MIT|ISC|BSD-3-Clause|0BSD|Apache-2.0)$/.test(license));
  if (strange.length) throw new Error(`look at the licences of ${strange.map(([name]) => name)}`);
  return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function hashes(folder, names) {
  const pairs = names.sort().map(async (name) => [name, sha256(await readFile(path.join(folder, name)))]);
  return Object.fromEntries(await Promise.all(pairs));
}

await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
const left = path.join(HERE, "src/left-out.jsx");
const { metafile } = await esbuild.build({
  absWorkingDir: HERE,
  entryPoints: { editor: "src/main.jsx" },
  outdir: OUT,
  bundle: true,
  minify: true,
  metafile: true,
  format: "iife",
  target: "es2022",
  jsx: "automatic",
  charset: "utf8",
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"' },
  alias: Object.fromEntries(LEFT_OUT.map((name) => [name, left])),
  plugins: [inLanguages],
});
const packages = await licences(metafile.inputs);
const texts = new Map();
for (const [name, { text }] of packages) texts.set(text, [...(texts.get(text) ?? []), name]);
const notice = [...texts].map(([text, names]) => `${names.join(", ")}\n\n${text}\n`).join(`\n${"-".repeat(79)}\n\n`);
await writeFile(path.join(OUT, "LICENSES.txt"), notice);

const built = await readdir(OUT);
const sources = ["build.mjs", "package.json", "package-lock.json", ...(await readdir(path.join(HERE, "src"))).map((name) => `src/${name}`)];
const manifest = {
  packages: [...packages.keys()],
  sources: await hashes(HERE, sources),
  files: await hashes(OUT, built),
};
await writeFile(path.join(OUT, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
for (const name of built.sort()) {
  const bytes = await readFile(path.join(OUT, name));
  console.log(`${name} ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);
}
