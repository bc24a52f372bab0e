// The gate against changes that break clients, tried on repositories with seeded breaks.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { breaks } from "./schema-breaks.mjs";

const root = join(import.meta.dirname, "..", "..");
const broken = ["Dataset.items.where", "DatasetConnection.totalCount"];
let folder;

const git = (...words) =>
  execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...words], {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
  });
const commit = (message) => git("commit", "--quiet", "--all", "--message", message);
const read = (name) => readFileSync(join(folder, name), "utf8");
const name = (text) => appendFileSync(join(folder, "CHANGELOG.md"), `${text}\n`);
const unnamed = async (where = folder) =>
  (await breaks(where)).changes.filter(({ named }) => !named).map(({ path }) => path);

/** A field that is gone, and an argument of another type. */
function seedBreaks() {
  let text = read("schema.graphql");
  text = text.replace(/(?<=type DatasetConnection[^{]*\{[^}]*?)totalCount: Int!/, "renamed: Int!");
  text = text.replace(/(?<=\n  items\([^)]*?)where: ItemWhere/, "where: String");
  writeFileSync(join(folder, "schema.graphql"), text);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "schema-breaks-"));
  for (const file of ["schema.graphql", "CHANGELOG.md"]) copyFileSync(join(root, file), join(folder, file));
  git("init", "--quiet");
  git("add", ".");
  commit("first");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a break fails until the changelog names it", async () => {
  assert.deepEqual(await unnamed(), []);
  seedBreaks();
  assert.deepEqual(await unnamed(), broken, "while it is edited");
  commit("break");
  assert.deepEqual(await unnamed(), broken, "and when it is committed");
  name("- Breaking: `DatasetConnection.totalCount` is called `renamed`,\n  and `Dataset.items.where` is a text.");
  assert.deepEqual(await unnamed(), []);
  assert.equal((await breaks(folder)).changes.length, 2);
});

test("what is named without being called breaking is not named", async () => {
  seedBreaks();
  name("- `DatasetConnection.totalCount` and `Dataset.items.where` are different now.");
  name("- Breaking: `Dataset.items`");
  assert.deepEqual(await unnamed(), broken);
});

test("what is added breaks nothing", async () => {
  appendFileSync(join(folder, "schema.graphql"), "\ntype Added { field: Int }\n");
  const { base, changes } = await breaks(folder);
  assert.deepEqual([base, changes], ["HEAD", []]);
});

test("everything since the newest tag counts, and an old line names no new break", async () => {
  name("- Breaking: `Dataset.items.where` was another type once.");
  commit("an older break");
  git("tag", "v1");
  seedBreaks();
  commit("break");
  appendFileSync(join(folder, "schema.graphql"), "\ntype Added { field: Int }\n");
  commit("add");
  assert.equal((await breaks(folder)).base, "v1");
  assert.deepEqual(await unnamed(), broken);
});

test("a shallow clone has nothing to compare with, and is no failure", async () => {
  seedBreaks();
  commit("break");
  const shallow = join(folder, "shallow");
  git("clone", "--quiet", "--depth", "1", `file://${folder}`, shallow);
  assert.deepEqual(await breaks(shallow), { base: null, changes: [] });
});
