// A headless Chromium, and pages of it that notice what must not happen.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const EXECUTE = ".graphiql-execute-button";
const EDITOR = ".graphiql-query-editor";
const TAB = ".graphiql-tab-button";
const elsewhere = [];

/** Loopback is asked directly, all else through a proxy that notes it and refuses. */
export async function openBrowser() {
  const note = (request) => elsewhere.push(`${request.method} ${request.url}`);
  const proxy = createServer((request, response) => {
    note(request);
    response.writeHead(403).end();
  });
  proxy.on("connect", (request, socket) => {
    note(request);
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await new Promise((listening) => proxy.listen(0, "127.0.0.1", listening));
  proxy.unref();
  return puppeteer.launch({
    executablePath: await chromium.executablePath(),
    headless: "shell",
    defaultViewport: { width: 1440, height: 900 },
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
      ...["--disable-background-networking", "--disable-component-update"],
      `--proxy-server=http://127.0.0.1:${proxy.address().port}`,
    ],
  });
}

/** A page in a profile of its own, with what one does on a playground. */
export async function open(browser, url, { dark = false } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const scheme = { name: "prefers-color-scheme", value: dark ? "dark" : "light" };
  await page.emulateMediaFeatures([scheme]);
  const complaints = listen(page);
  await page.goto(url, { waitUntil: "load" });

  const shows = async (selector, words) => {
    const there = (place, text) =>
      document.querySelector(place)?.innerText.replaceAll("\u00a0", " ").includes(text);
    await page.waitForFunction(there, { timeout: 30_000 }, selector, words).catch(async () => {
      assert.fail(`${selector} should show ${words}, and shows:\n${await text(selector)}`);
    });
  };
  const text = (selector) => page.$eval(selector, (element) => element.innerText);
  // All of the answer, though only what fits is drawn.
  const response = () =>
    globalThis.__MONACO.editor
      .getModels()
      .find((model) => model.uri.path.endsWith("response.json"))
      .getValue();
  const tells = async (words) => {
    const there = `(${response})().includes(${JSON.stringify(words)})`;
    await page.waitForFunction(there, { timeout: 30_000 }).catch(async () => {
      assert.fail(`the answer should have ${words}, and is:\n${await page.answer()}`);
    });
  };
  const execute = async (words) => {
    await page.click(EXECUTE);
    await tells(words);
  };
  return Object.assign(page, {
    execute,
    tells,
    answer: () => page.evaluate(response),
    shows,
    text,
    async ready() {
      await page.waitForSelector(`${EXECUTE}:enabled`);
      await page.waitForSelector(`${EDITOR} .view-line`);
      await page.waitForSelector(".graphiql-response .view-line");
    },
    tabs: () => page.$$eval(TAB, (found) => found.map((tab) => tab.innerText.trim())),
    async run(tab, words) {
      await page.locator(`${TAB} ::-p-text(${tab})`).click();
      await shows(`[aria-selected="true"] ${TAB}`, tab);
      await execute(words);
    },
    newTab: () => page.click('button[aria-label="New tab"]'),
    async write(operation) {
      await page.waitForSelector(`${EDITOR} .view-line`);
      await page.click(`${EDITOR} .view-lines`);
      await page.keyboard.sendCharacter(operation);
    },
    /** The end: it asked nobody else, and nothing was complained of but what `expected` matches. */
    async done(expected = /^$/) {
      await context.close();
      assert.deepEqual(complaints.filter((one) => !expected.test(one)), []);
      assert.deepEqual(elsewhere, []);
    },
  });
}

function listen(page) {
  const complaints = [];
  const hear = (message) => {
    if (["error", "warn"].includes(message.type())) complaints.push(message.text());
  };
  page.on("console", hear);
  page.on("workercreated", (worker) => worker.on("console", hear));
  page.on("pageerror", (error) => complaints.push(`${error}`));
  return complaints;
}
