// The page in headless Chromium:  node page_browser.mjs NODE_MODULES URL WHAT < question > answer
//
// A question and its answer are JSON; each function below is a WHAT.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, url, what] = process.argv.slice(2);
const require = createRequire(join(modules, "x.js"));
const { chromium } = require("playwright-core");
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const MINUTES = 60_000;
const TABS = ["rate", "tag", "write", "score", "inside"];
const DONE = { rate: ".strongest", tag: ".tagged .word", write: ".bars", score: ".strongest", inside: ".heat canvas" };

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const seen = { problems: [], addresses: [] };

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(3 * MINUTES);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && seen.problems.push(message.text()));
  page.on("pageerror", (error) => seen.problems.push(String(error)));
  page.on("dialog", (dialog) => seen.problems.push(`dialog: ${dialog.message()}`));
  context.on("request", (request) => seen.addresses.push(request.url()));
  await page.goto(url);
  await page.waitForSelector("[role=tab]");
  return { context, page };
}

/** Put questions to the models, in the worker of the page, with the network off but for what the models load first. */
async function answers({ questions }) {
  const { context, page } = await open();
  const ask = (list) => page.evaluate(async (all) => {
    const { Engine } = await import(new URL("view/engine.js", location.href).href);
    globalThis.engine ??= new Engine();
    const found = [];
    for (const { verb, ...question } of all) {
      let text = "";
      const onPiece = (piece) => (text += piece);
      const answer = await globalThis.engine.ask({ verb, ...question }, { onPiece }).answer;
      found.push(verb === "write" ? text : answer);
    }
    return found;
  }, list);
  const first = new Map(questions.map((question) => [question.model, question]));
  const start = Date.now();
  const times = {};
  for (const [model, question] of first) {
    await ask([question]);
    times[model] = Date.now() - start;
  }
  await context.setOffline(true);
  const before = seen.addresses.length;
  return { answers: await ask(questions), times, requests: seen.addresses.slice(before) };
}

async function fillTab(page, tab, text) {
  await page.click(`#tab-${tab}`);
  if (text === undefined) await page.click(`#panel-${tab} .chip >> nth=1`);
  else await page.fill(`#${tab}-text`, text);
  await page.waitForSelector(`#panel-${tab} ${DONE[tab]}`);
}

/** Use every tab, wide and narrow, light and dark: what axe-core finds, what is wider than the window, pictures. */
async function look({ pictures }) {
  const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  const found = [];
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      const { context, page } = await open({ viewport: { width, height: 900 }, colorScheme });
      for (const tab of TABS) {
        await fillTab(page, tab);
        if (tab === "write") await writeText(page);
        await page.waitForTimeout(1200); // colours fade in
        if (pictures) await page.screenshot({ path: join(pictures, `${tab}-${width}-${colorScheme}.png`), fullPage: true });
        const { violations } = await page.evaluate(`${axe}; axe.run()`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        found.push({ tab, width, colorScheme, wide, violations: violations.map(({ id, impact, nodes }) => [impact, id, nodes[0].html]) });
      }
      await context.close();
    }
  }
  return found;
}

async function writeText(page) {
  await page.click("#panel-write .main");
  await page.waitForFunction(() => document.querySelector("#panel-write .status").textContent === "The text is written.");
}

/** Type markup into every field; what of it has become elements. */
async function markup({ text }) {
  const { page } = await open();
  for (const tab of TABS) await fillTab(page, tab, text);
  await page.click("#tab-write");
  await writeText(page);
  return page.evaluate(() => ({
    elements: [...document.querySelectorAll("#panels img, #panels script, #panels b, #panels svg, #panels a, #panels iframe")].length,
    limits: document.querySelector("#panel-rate .limits").textContent,
    rated: document.querySelector("#panel-rate .reading").textContent,
    tagged: document.querySelector("#panel-tag .tagged").textContent,
    written: document.querySelector("#panel-write .written").textContent,
    scored: document.querySelector("#panel-score .reading").textContent,
    inside: document.querySelector("#panel-inside .reading").textContent,
  }));
}

/** Go through the page with the keyboard alone. */
async function keyboard() {
  const { page } = await open();
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  const path = [];
  const press = async (key) => {
    await page.keyboard.press(key);
    path.push(await focused());
  };
  await press("Tab");
  await press("ArrowRight");
  await press("ArrowLeft");
  await press("ArrowLeft");
  await press("Tab"); // the panel
  await press("Tab"); // its field
  await page.keyboard.type("Once upon a time");
  await press("Tab");
  await press("Tab"); // an example
  await page.keyboard.press("Enter");
  await page.waitForSelector("#panel-inside .heat canvas");
  return { path, hash: await page.evaluate(() => location.hash), text: await page.inputValue("#inside-text") };
}

/** Whether the page and its worker may ask another place. */
async function elsewhere({ other }) {
  const { page } = await open();
  await fillTab(page, "rate");
  const ask = async (address) => {
    try {
      await fetch(address, { mode: "no-cors" });
      return "sent";
    } catch {
      return "blocked";
    }
  };
  const [worker] = page.workers();
  return { page: await page.evaluate(ask, other), worker: await worker.evaluate(ask, other) };
}

/** A model is loaded once: what a second visit asks for, and how many threads there are. */
async function again() {
  const { context, page } = await open();
  await fillTab(page, "rate");
  const rating = await page.textContent("#panel-rate .number strong");
  const before = seen.addresses.length;
  await page.reload();
  await fillTab(page, "rate");
  const second = await page.textContent("#panel-rate .number strong");
  const isolated = await page.evaluate(() => crossOriginIsolated);
  const found = { rating, second, isolated, workers: page.workers().length, requests: seen.addresses.slice(before) };
  await context.close();
  return found;
}

/** Stop a text that is being written, and write again; type faster than answers come. */
async function hurry() {
  const { page } = await open();
  await fillTab(page, "write");
  await page.fill("#write-length", "200");
  await page.click("#panel-write .main");
  await page.waitForSelector("#panel-write .prompt");
  await page.click("#panel-write >> text=Stop");
  await page.waitForFunction(() => document.querySelector("#panel-write .status").textContent === "Stopped.");
  const stopped = await page.textContent("#panel-write .written");
  await writeText(page);
  const written = await page.textContent("#panel-write .written");
  await page.click("#tab-rate");
  await page.type("#rate-text", "A dull, slow and endless film that nobody should have to see twice.", { delay: 20 });
  await page.waitForSelector("#panel-rate .strongest");
  await page.waitForFunction(() => document.querySelector("#panel-rate .reading").textContent.endsWith("twice."));
  return { stopped, written, rated: await page.textContent("#panel-rate .reading") };
}

/** A model whose file is missing, at first: what is said, and whether it is loaded when it is there. */
async function missing() {
  const { context, page } = await open();
  await context.route("**/*.onnx*", (route) => route.fulfill({ status: 404, body: "" }));
  await page.click("#panel-rate .chip >> nth=0");
  await page.waitForSelector("#panel-rate .status.error");
  const said = await page.textContent("#panel-rate .status");
  await context.unroute("**/*.onnx*");
  await fillTab(page, "rate");
  return { said, rating: await page.textContent("#panel-rate .number strong") };
}

/** A text that is too long. */
async function long() {
  const { page } = await open();
  await page.click("#tab-tag");
  await page.fill("#tag-text", "so ".repeat(10_000));
  await page.waitForSelector("#panel-tag .status.error");
  const said = await page.textContent("#panel-tag .status");
  await fillTab(page, "tag", "So long.");
  return { said, status: await page.textContent("#panel-tag .status") };
}

const questions = { answers, look, markup, keyboard, elsewhere, again, hurry, missing, long };
const question = JSON.parse(readFileSync(0, "utf8") || "{}");
const answer = await questions[what](question);
await browser.close();
process.stdout.write(JSON.stringify({ answer, ...seen }));
