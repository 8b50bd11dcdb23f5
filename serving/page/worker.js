// The worker: loads what a model needs when it is needed, keeps it in the browser's cache, and answers questions.

import { openModel } from "./models/model.js";

const CACHE = "rnn-language";
const THREADS = 2; // where the page is cross-origin isolated; elsewhere the browser allows one
const place = (name) => new URL(name, import.meta.url).href;

const site = fetchJson("data/models.json");
const models = new Map();
const stopped = new Set();
let runtime = null;
let rules = null;

class Stopped extends Error {}

async function fetchJson(name) {
  const answer = await fetch(place(name), { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${name} could not be loaded (${answer.status})`);
  return answer.json();
}

/** The content of a file of the page, from the cache of the browser if it is there; `onBytes` hears of what comes. */
async function read(name, onBytes = () => {}) {
  const [size, hash] = (await site).files[name];
  const url = `${place(name)}?${hash}`; // another content is another address
  const cache = await openCache();
  const kept = await cache?.match(url);
  const answer = kept ?? (await fetch(url));
  if (!answer.ok) throw new Error(`${name} could not be loaded (${answer.status})`);
  const bytes = await readBytes(answer, size, onBytes);
  if (!kept && cache) await keep(cache, url, name, bytes);
  return bytes;
}

async function readBytes(answer, size, onBytes) {
  const bytes = new Uint8Array(size);
  let filled = 0;
  const reader = answer.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (filled + part.value.length > size) throw new Error("a file of the page is longer than it should be; reload it");
    bytes.set(part.value, filled);
    filled += part.value.length;
    onBytes(part.value.length);
  }
  if (filled < size) throw new Error("a file of the page did not arrive whole; try again");
  return bytes;
}

/** There is no cache on pages without encryption, and in some private windows. */
async function openCache() {
  try {
    return (await self.caches?.open(CACHE)) ?? null;
  } catch {
    return null;
  }
}

async function keep(cache, url, name, bytes) {
  try {
    for (const old of await cache.keys()) if (old.url.startsWith(`${place(name)}?`)) await cache.delete(old);
    await cache.put(url, new Response(bytes));
  } catch {
    // no room: it is loaded again next time
  }
}

async function openRuntime(onBytes) {
  const ort = await import("./runtime/ort.wasm.min.mjs");
  ort.env.wasm.wasmPaths = place("runtime/");
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(THREADS, navigator.hardwareConcurrency) : 1;
  ort.env.wasm.wasmBinary = await read("runtime/ort-wasm-simd-threaded.wasm", onBytes);
  return ort;
}

async function load(id, onLoading) {
  const { models: entries, files, rules: rulesFile } = await site;
  const entry = entries.find((other) => other.id === id);
  const names = [entry.settings, entry.tokenizer, entry.network, entry.splitter].filter((name) => name);
  if (!runtime) names.push("runtime/ort-wasm-simd-threaded.wasm");
  const total = names.reduce((sum, name) => sum + files[name][0], 0);
  let loaded = 0;
  const onBytes = (count) => onLoading((loaded += count), total);
  onLoading(0, total);
  runtime ??= openRuntime(onBytes);
  rules ??= read(rulesFile).then((bytes) => JSON.parse(new TextDecoder().decode(bytes)));
  return openModel(await runtime, entry, await rules, (name) => read(name, onBytes));
}

/** The model of an id, loaded once; after a failure it is loaded again. */
function open(id, onLoading) {
  if (!models.has(id)) {
    const opening = load(id, onLoading);
    models.set(id, opening);
    opening.catch(() => {
      models.delete(id);
      runtime = rules = null;
    });
  }
  return models.get(id);
}

/** Let messages in: a network that runs gives the thread back to none. */
const breathe = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    resolve();
  };
  port2.postMessage(null);
});

async function answer({ number, model: id, verb, text, options }) {
  const send = (kind, value) => self.postMessage({ number, kind, value });
  const goOn = async () => {
    await breathe();
    if (stopped.delete(number)) throw new Stopped();
  };
  try {
    const model = await open(id, (loaded, total) => send("loading", [loaded, total]));
    await goOn();
    if (verb === "write") {
      for await (const piece of model.write(text, options)) {
        send("piece", piece);
        await goOn();
      }
      send("answer", true);
      return;
    }
    const onProgress = async (share) => {
      send("progress", share);
      await goOn();
    };
    send("answer", await model[verb](text, { ...options, onProgress }));
  } catch (error) {
    if (error instanceof Stopped) send("answer", null);
    else send("error", String(error?.message ?? error));
  }
}

// One question after the other: ONNX Runtime runs one network at a time.
let queue = Promise.resolve();
self.addEventListener("message", ({ data }) => {
  if (data.stop) stopped.add(data.number);
  else queue = queue.then(() => answer(data));
});
