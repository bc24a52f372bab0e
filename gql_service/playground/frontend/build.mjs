// node build.mjs <folder>: the whole page as static files. Everything but the page itself has a name
// that follows from its content, so that browsers may keep it for ever, and is compressed once, here.
import { build } from "esbuild";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";

const folder = process.argv[2];
const ASSETS = "/playground/assets/";
const shared = {
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  target: "es2022",
  legalComments: "none", // the licences of all packages are in licenses.txt
  outdir: "out",
  publicPath: ASSETS,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  loader: { ".graphql": "text" },
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
};

// graphiql/style.css has the styles of Monaco and their font already.
const oneStyle = {
  name: "one style",
  setup: ({ onLoad }) =>
    onLoad({ filter: /monaco-editor.*\.css$/ }, () => ({ contents: "", loader: "js" })),
};
const workers = await build({
  ...shared,
  format: "iife",
  entryPoints: {
    editor: "monaco-editor/esm/vs/editor/editor.worker.js",
    json: "monaco-editor/esm/vs/language/json/json.worker.js",
    graphql: "monaco-graphql/esm/graphql.worker.js",
  },
});
const addresses = Object.fromEntries(
  workers.outputFiles.map((file) => [named(file).split("-")[0], ASSETS + named(file)]),
);
const main = await build({
  ...shared,
  format: "esm",
  splitting: true,
  jsx: "automatic",
  entryPoints: { page: "main.jsx" },
  plugins: [oneStyle],
  define: { ...shared.define, WORKERS: JSON.stringify(addresses) },
});

await mkdir(path.join(folder, "assets"), { recursive: true });
for (const file of [...workers.outputFiles, ...main.outputFiles]) {
  const compressed = gzipSync(file.contents, { level: 9 });
  await writeFile(path.join(folder, "assets", `${named(file)}.gz`), compressed);
}
await writeFile(path.join(folder, "licenses.txt"), await licences());
const page = (await readFile("page.html", "utf8"))
  .replace("{style}", ASSETS + entry(/^page-.*\.css$/))
  .replace("{script}", ASSETS + entry(/^page-.*\.js$/));
await writeFile(path.join(folder, "page.html"), page);

function named(file) {
  return path.basename(file.path);
}

function entry(pattern) {
  const found = main.outputFiles.map(named).filter((name) => pattern.test(name));
  if (found.length !== 1) throw new Error(`one file should match ${pattern}: ${found}`);
  return found[0];
}

// What the bundle is made of may be passed on together with its licences.
async function licences() {
  const inputs = [workers, main].flatMap((built) => Object.keys(built.metafile.inputs));
  const packages = new Set(
    inputs.map((name) => name.match(/^.*node_modules\/(@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean),
  );
  const texts = [...packages].sort().map(async (place) => {
    const { name, version, license } = JSON.parse(await readFile(`${place}/package.json`, "utf8"));
    const files = (await readdir(place)).filter((file) => /^(licen[cs]e|thirdparty)/i.test(file));
    const bodies = await Promise.all(files.map((file) => readFile(`${place}/${file}`, "utf8")));
    return [`${name} ${version} (${license})`, ...bodies.map((text) => text.trim())].join("\n\n");
  });
  return `${(await Promise.all(texts)).join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}
