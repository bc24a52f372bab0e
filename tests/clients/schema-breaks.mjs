// graphql-inspector: a change of schema.graphql that breaks clients has to be named in the
// changelog, by a line such as
//
//     - Breaking: `Type.field` and `Type.field.argument` are gone.
//
// Compared is with the schema of the newest tag in the history. Before there is a tag: with the
// committed one while it is being edited, else with what it was before it was last changed. Lines
// that the changelog had there already name nothing new. A clone that is too shallow to hold any of
// these has nothing to compare with, and says so.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

const SCHEMA = "schema.graphql";
const CHANGELOG = "CHANGELOG.md";
const BREAKING = /^\s*(?:[-*] )?Breaking: (?=.*`)/;

/** What git answers, or null where it has no answer. */
function git(folder, ...words) {
  try {
    const stdio = ["ignore", "pipe", "ignore"];
    return execFileSync("git", words, { cwd: folder, encoding: "utf8", stdio }).trimEnd();
  } catch {
    return null;
  }
}

const here = (folder, file) =>
  existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : "";

/** The commit to compare with, or null where the clone has none. */
function baseOf(folder) {
  const tag = git(folder, "describe", "--tags", "--abbrev=0");
  if (tag) return tag;
  if (git(folder, "diff", "--quiet", "HEAD", "--", SCHEMA) === null) return "HEAD";
  // The tip of a shallow clone seems to have made every file that it has: it has no parent.
  const changed = git(folder, "log", "-1", "--first-parent", "--format=%H", "--", SCHEMA);
  return changed && git(folder, "rev-parse", "--verify", "--quiet", `${changed}^`);
}

/** The coordinates that a changelog calls broken in lines that an older one has not. */
function namedIn(changelog, older) {
  const known = new Set(older.split("\n"));
  const lines = entries(changelog).filter((entry) => BREAKING.test(entry[0]));
  const fresh = lines.filter((entry) => !known.has(entry[0]));
  const found = fresh.flatMap((entry) => [...entry.join(" ").matchAll(/`([^`]+)`/g)]);
  return new Set(found.map(([, coordinate]) => coordinate));
}

/** The lines that belong together: a point of the list and what is indented below it. */
function entries(text) {
  const found = [];
  for (const line of text.split("\n")) {
    if (/^\s+\S/.test(line) && found.length > 0) found.at(-1).push(line);
    else found.push([line]);
  }
  return found;
}

/**
 * The breaking changes of the schema in a folder, each with whether the changelog names it.
 * `base` is what was compared with, null for nothing.
 */
export async function breaks(folder) {
  const base = baseOf(folder);
  const old = base && git(folder, "show", `${base}:${SCHEMA}`);
  if (!old) return { base: null, changes: [] };
  const named = namedIn(here(folder, CHANGELOG), git(folder, "show", `${base}:${CHANGELOG}`) ?? "");
  const found = await diff(buildSchema(old), buildSchema(here(folder, SCHEMA)));
  const changes = found
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ path, message }) => ({ path: path ?? message, message, named: named.has(path) }));
  return { base, changes };
}

if (process.argv[1] === import.meta.filename) {
  const root = join(import.meta.dirname, "..", "..");
  const { base, changes } = await breaks(root);
  const unnamed = changes.filter(({ named }) => !named);
  for (const { path, message } of unnamed) console.error(`breaks \`${path}\`: ${message}`);
  if (unnamed.length > 0) {
    console.error(`Compared with ${base}. Name each in ${CHANGELOG}: - Breaking: \`${unnamed[0].path}\` …`);
    process.exitCode = 1;
  } else if (base === null) {
    console.log("nothing to compare with in a clone as shallow as this");
  } else {
    console.log(`since ${base.slice(0, 12)}: ${changes.length} breaking changes, all of them named`);
  }
}
