// A text that writes itself, and the likeliest next words as bars; each of them may be chosen.

import { element, fill, percent } from "./dom.js";

const MAX_SEED = 2 ** 32 - 1;
const NAMES = { "<unk>": "an unknown word", "<eos>": "the end of the text" };

export const write = {
  name: "write",
  title: "Write",
  tasks: ["language_model"],
  verb: "next",
  lead: "How does the text go on? Choose the next word yourself, or let the model write.",
  label: "The beginning",
  placeholder: "Once upon a time …",
  examples: [
    ["a tale", "Once upon a time there was"],
    ["the king", "The king said to his daughter,"],
    ["the sea", "In the middle of the sea"],
  ],
  controls: (panel) => {
    panel.settings = {
      temperature: slider("Temperature", "0 = always the likeliest word; 1 = as the model has it", 0, 1.5, 0.05, 0.8),
      topP: slider("Top-p", "only the likeliest words that have this share together", 0.1, 1, 0.05, 1),
      maxTokens: slider("Length", "tokens; the last sentence is ended", 10, 200, 10, 60),
    };
    panel.seed = element("input", { id: "write-seed", type: "number", min: 0, max: MAX_SEED, step: 1, value: 1 });
    panel.start = element("button.main", { type: "button", click: () => begin(panel) }, "Write");
    panel.stop = element("button", { type: "button", click: () => panel.writing?.stop(), disabled: true }, "Stop");
    const other = () => {
      panel.seed.value = Math.floor(Math.random() * 100000);
      begin(panel);
    };
    panel.written = element("div.written", { hidden: true });
    return element(
      "div.controls", {},
      ...Object.values(panel.settings).map(({ root }) => root),
      element("div.setting", {}, element("label", { for: "write-seed" }, "Seed"), panel.seed, element("small", {}, "the same seed gives the same text")),
      element("div.row", {}, panel.start, panel.stop, element("button", { type: "button", click: other }, "Another")),
      panel.written,
    );
  },
  show(panel, answer, text) {
    fill(panel.result, element("h2", {}, "The next word"), element("ol.bars", {}, ...answer.map((each) => bar(panel, each, text))));
  },
};

function slider(label, help, min, max, step, value) {
  const id = `write-${label.toLowerCase()}`;
  const shown = element("output", { for: id }, String(value));
  const input = element("input", { id, type: "range", min, max, step, value, "aria-describedby": `${id}-help`, input: () => (shown.textContent = input.value) });
  const root = element("div.setting", {}, element("label", { for: id }, `${label} `, shown), input, element("small", { id: `${id}-help` }, help));
  return { root, get value() { return Number(input.value); } };
}

function bar(panel, { token, probability }, text) {
  const named = Object.hasOwn(NAMES, token) ? NAMES[token] : token === "\n" ? "a new line" : token === " " ? "a space" : token;
  const vars = { share: String(probability) };
  const value = [element("span.text", {}, named), element("span.fill", { vars, "aria-hidden": "true" }), element("span.value", {}, percent(probability))];
  if (Object.hasOwn(NAMES, token)) return element("li", {}, element("span.bar", {}, ...value));
  const add = () => {
    const isCharacter = panel.model.level === "character";
    panel.use(isCharacter || /^[.,;:!?)\]]|^n't$|^['’]\w/.test(token) ? text + token : `${text.trimEnd()} ${token}`);
  };
  return element("li", {}, element("button.bar", { type: "button", click: add }, ...value));
}

async function begin(panel) {
  panel.writing?.stop();
  const prompt = panel.text.trim() ? panel.text : write.examples[0][1];
  if (prompt !== panel.text) panel.use(prompt);
  const seed = Math.min(Math.max(Math.floor(Number(panel.seed.value) || 0), 0), MAX_SEED);
  panel.seed.value = seed;
  const options = { seed, ...Object.fromEntries(Object.entries(panel.settings).map(([name, { value }]) => [name, value])) };
  const text = element("p.reading", { id: "write-text-out" });
  let pieces = 0;
  const onPiece = (piece) => {
    text.append(element(pieces ? "span.new" : "span.prompt", {}, piece));
    pieces += 1;
  };
  panel.written.hidden = false;
  panel.written.setAttribute("aria-busy", "true");
  fill(panel.written, text);
  const asked = panel.ask("write", prompt, options, { onPiece });
  panel.writing = asked;
  panel.stop.disabled = false;
  try {
    const whole = await asked.answer;
    if (panel.writing === asked) panel.say(whole ? "The text is written." : "Stopped.");
  } catch (error) {
    panel.say(`Nothing was written: ${error.message}`, true);
  }
  if (panel.writing !== asked) return;
  panel.writing = null;
  panel.stop.disabled = true;
  panel.bar.hidden = true;
  panel.written.removeAttribute("aria-busy");
}
