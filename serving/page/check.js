// Answers of the page outside of a browser:  node check.js FOLDER < questions > answers
//
// FOLDER is a page that is being built. Questions and answers are lines of JSON, `{"ask": NAME, …}` and the answer.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { Language } from "./text/language.js";

const folder = resolve(process.argv[2]);
const readJson = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const rules = readJson("data/rules.json");
const languages = new Map();
const models = new Map();

function language(code) {
  if (!languages.has(code)) languages.set(code, new Language(rules, readJson(`data/tokenizer-${code}.json`), code));
  return languages.get(code);
}

async function model(id) {
  if (!models.has(id)) {
    const { openModel } = await import("./models/model.js");
    const ort = await import(pathToFileURL(join(folder, "runtime", "ort.wasm.min.mjs")));
    ort.env.wasm.numThreads = 1;
    const entry = readJson("data/models.json").models.find((other) => other.id === id);
    const read = async (name) => readFileSync(join(folder, name));
    models.set(id, await openModel(ort, entry, rules, read));
  }
  return models.get(id);
}

const asked = {
  normalize: ({ texts, language: code, steps }) =>
    texts.map((text) => {
      const { text: found, starts, ends } = language(code).normalizer.normalize(text, steps);
      return starts ? [found, starts, ends] : [found];
    }),
  normalize_words: ({ texts, language: code, steps }) =>
    texts.map((text) => language(code).normalizer.normalizeWord(text, steps)),
  tokenize: ({ texts, language: code }) => texts.map((text) => language(code).tokenizer.tokenize(text)),
  sentences: ({ texts, language: code }) =>
    texts.map((text) => language(code).splitSentences(text).map((sentence) => sentence.map((token) => token.text))),
  sentence_ends: ({ texts, language: code }) => texts.map((text) => language(code).sentences.endsSentence(text)),
  answer: async ({ id, verb, texts, options }) => {
    const opened = await model(id);
    const answers = [];
    for (const text of texts) answers.push(await opened[verb](text, options));
    return answers;
  },
};

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const question = JSON.parse(line);
  const asList = (_, value) => (value instanceof Float32Array ? Array.from(value) : value);
  process.stdout.write(`${JSON.stringify(await asked[question.ask](question), asList)}\n`);
}
