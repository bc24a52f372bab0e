// The playground in a real browser, as somebody uses it: PLAYGROUND is the address that the demo
// prints, UNBUILT that of a service without its bundle, SCREENSHOTS the folder for pictures.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { open, openBrowser } from "./browser.mjs";

const { PLAYGROUND, SCREENSHOTS, UNBUILT } = process.env;
const { origin, hash } = new URL(PLAYGROUND);
const TOKEN = hash.replace("#token=", "");
const UNAUTHORIZED = /status of 401/;

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

async function picture(page, name) {
  await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });
}

async function api(query, variables = {}) {
  const response = await fetch(`${origin}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()).data;
}

test("the printed address opens it with the token, which is in no address afterwards", async () => {
  const page = await open(browser, PLAYGROUND);
  await page.ready();

  assert.equal(page.url(), `${origin}/playground`);
  assert.equal(await page.text("header .who"), "Admin");
  assert.deepEqual(await page.tabs(), [
    ...["WhatIsThere", "Dataset", "CloneWhole", "CloneByLabel", "Annotate", "CompareRecipes"],
    ...["Merge", "History", "Diff", "Watch", "Revert"],
  ]);
  const kept = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }]));
  assert.ok(!kept.includes(TOKEN), kept);
  await page.reload();
  await page.ready();
  assert.equal(await page.text("header .who"), "Admin");
  await page.done();
});

test("every operation of the main job runs as it stands", async () => {
  const page = await open(browser, PLAYGROUND);
  await page.ready();

  await page.run("WhatIsThere", "threes-and-eights");
  await picture(page, "query-light");
  await page.run("Dataset", '"itemsCount": 1797');
  await page.run("CloneWhole", '"name": "digits-copy-');
  await picture(page, "mutation-light");
  await page.run("CloneByLabel", '"name": "digits-zero-');
  await page.run("Annotate", '"annotationsAdded": 1');
  await page.run("CompareRecipes", '"equal": false');
  await page.run("Merge", '"outcome": "COMBINED"');
  await page.run("History", '"totalCount"');
  await page.run("Diff", '"annotationsAdded": 41');
  await page.run("Revert", '"operation": "REVERT"');

  const { datasets } = await api("{ datasets(first: 50) { nodes { name itemsCount } } }");
  const copy = datasets.nodes.find((one) => one.name.startsWith("digits-copy-"));
  assert.equal(copy.itemsCount, 1797);
  await page.done();
});

test("one browser watches what another one does", async () => {
  const { datasets } = await api("{ datasets { nodes { name url } } }");
  const { url } = datasets.nodes.find((one) => one.name === "digits-team-a");
  const there = `${origin}${new URL(url).pathname}${hash}`;
  const [watching, working] = [await open(browser, there), await open(browser, there, { dark: true })];
  await Promise.all([watching.ready(), working.ready()]);

  await watching.run("Watch", '"operation"');
  await working.run("Annotate", '"annotationsAdded": 1');
  await watching.tells('"operation": "ANNOTATE"');
  await watching.tells('"event": "CHANGED"');
  await picture(watching, "subscription-watching-light");
  await picture(working, "subscription-working-dark");
  await working.done();
  await watching.done();
});

test("a mutation that is typed in writes, and what it refuses is shown", async () => {
  const page = await open(browser, PLAYGROUND);
  await page.ready();

  await page.newTab();
  await page.write('mutation Make { createProject(input: { name: "Typed" }) {'
    + " __typename ... on Error { code message } } }");
  await page.execute("CreateProjectSuccess");
  await page.execute('"code": "NAME_TAKEN"');

  const { projects } = await api("{ projects { nodes { name } } }");
  assert.ok(projects.nodes.some((one) => one.name === "Typed"));
  await page.done();
});

test("the schema can be read, completed and checked while one types", async () => {
  const page = await open(browser, PLAYGROUND);
  await page.ready();

  await page.click('button[aria-label="Show Documentation Explorer"]');
  await page.waitForSelector(".graphiql-doc-explorer-content");
  await page.shows(".graphiql-doc-explorer-content", "Mutation");
  await picture(page, "documentation-light");
  await page.newTab();
  await page.write("query Wrong { viewer { usr } }");
  await page.waitForSelector(".graphiql-query-editor .squiggly-error");
  await page.done();
});

test("an address of a dataset opens it on that dataset", async () => {
  const { datasets } = await api("{ datasets { nodes { name url } } }");
  const { url } = datasets.nodes.find((one) => one.name === "digits-team-a");
  const page = await open(browser, `${origin}${new URL(url).pathname}${hash}`, { dark: true });
  await page.ready();

  assert.equal(await page.text("header .dataset"), "digits-team-a");
  assert.equal((await page.tabs())[0], "Dataset");
  await page.run("Dataset", '"name": "digits-team-a"');
  await picture(page, "dataset-dark");
  await page.done();

  const nowhere = await open(browser, `${origin}/datasets/ds_999${hash}`);
  await nowhere.ready();
  assert.match(await nowhere.text("header .problem"), /no dataset ds_999/);
  await nowhere.done();
});

test("without a token it says so, and with a wrong one; the box takes the right one", async () => {
  const without = await open(browser, `${origin}/`);
  await without.ready();
  assert.match(await without.text("header .problem"), /Without a token/);
  await without.execute("A token is needed");
  await picture(without, "no-token-light");
  await without.done(UNAUTHORIZED);

  const page = await open(browser, `${origin}/playground#token=gqls_wrong`, { dark: true });
  await page.ready();
  assert.match(await page.text("header .problem"), /unknown, expired or revoked/);
  assert.doesNotMatch(await page.answer(), /error/);
  await picture(page, "wrong-token-dark");
  await page.type('input[aria-label="Token"]', TOKEN);
  await Promise.all([page.waitForNavigation(), page.click("header .token button")]);
  await page.ready();
  assert.equal(await page.text("header .who"), "Admin");
  await page.run("WhatIsThere", "threes-and-eights");
  await picture(page, "query-dark");
  await page.done(UNAUTHORIZED);
});

test("a token that may read nothing yet opens examples", async () => {
  const page = await open(browser, `${origin}/playground#token=${process.env.NEWCOMER}`);
  await page.ready();

  assert.equal(await page.text("header .who"), "Newcomer");
  await page.run("WhatIsThere", '"nodes": []');
  await page.run("CloneWhole", '"code": "NOT_FOUND"');
  await page.done();
});

test("where the bundle is missing, the page says what to do", async () => {
  for (const address of ["/", "/playground", "/datasets/ds_1"]) {
    const page = await open(browser, UNBUILT + address);
    assert.match(await page.text("body"), /uv sync --reinstall-package gql-service/);
    await picture(page, "unbuilt");
    await page.done(/status of 503/);
  }
});
