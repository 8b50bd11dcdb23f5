// The hidden states of a network: a heat map of the units that change most, and a text coloured by one of them.

import { element, fill, spread } from "./dom.js";

const MOST_SHOWN = 32; // units of the heat map
const MOST_NAMED = 8;
const CELL = 14; // pixels
const WIDEST = 36;

export const inside = {
  name: "inside",
  title: "Inside",
  tasks: ["sentiment", "language_model", "pos_tagging"],
  verb: "units",
  lead: "What does each unit of the network hold after each word?",
  label: "A text",
  placeholder: "Write a sentence or two …",
  examples: [
    ["good, then bad", "The first half is wonderful and moving. The second half is boring, stupid and far too long."],
    ["a quotation", 'The king said: "Give me the golden bird." Then he went to sleep.'],
  ],
  show(panel, { tokens, layers }, text) {
    const names = Object.keys(layers);
    if (!names.length || !tokens.length) {
      fill(panel.result, element("p.remark", {}, "The page shows no hidden states of this network."));
      return;
    }
    const state = { text, tokens, layers, layer: names.includes(panel.layer) ? panel.layer : names.at(-1) };
    state.draw = () => draw(panel, state);
    state.draw();
  },
};

function draw(panel, state) {
  const { layers, tokens } = state;
  const { units, values } = layers[state.layer];
  const order = mostMoving(values, units, tokens.length);
  const reading = element("p.reading");
  const shown = element("output", { for: "inside-unit" });
  const slider = element("input", { id: "inside-unit", type: "range", min: 0, max: units - 1, step: 1, input: () => choose(Number(slider.value)) });
  const cell = Math.max(CELL, Math.min(WIDEST, Math.floor((panel.result.clientWidth - 20) / tokens.length)));
  const canvas = element("canvas", { role: "img", width: tokens.length * cell, height: Math.min(MOST_SHOWN, units) * CELL });
  const choose = (unit) => {
    slider.value = unit;
    shown.textContent = String(unit);
    fill(reading, ...coloured(state.text, tokens, (i) => values[i * units + unit]));
    paint(canvas, order.slice(0, MOST_SHOWN), unit, (i, other) => values[i * units + other], tokens.length, cell);
  };
  canvas.setAttribute("aria-label", `States of the ${Math.min(MOST_SHOWN, units)} units that change most, from the first word to the last`);
  canvas.addEventListener("click", (event) => {
    const row = Math.floor((event.offsetY / canvas.clientHeight) * Math.min(MOST_SHOWN, units));
    if (order[row] !== undefined) choose(order[row]);
  });
  const chips = order.slice(0, MOST_NAMED).map((unit) => element("button.chip", { type: "button", click: () => choose(unit) }, String(unit)));
  fill(
    panel.result,
    layerPicker(panel, state),
    element("div.setting", {}, element("label", { for: "inside-unit" }, "Unit ", shown), slider),
    element("div.row", { role: "group", "aria-label": "Units" }, element("span.quiet", {}, "Those that change most:"), ...chips),
    reading,
    element("p.legend", {}, element("span.weighed.raises", { vars: { weight: "1" } }, "positive"), " ", element("span.weighed.lowers", { vars: { weight: "1" } }, "negative")),
    element("h2", {}, "The units that change most"),
    element("p.quiet", {}, "A row for each unit, a column for each word; a click chooses the unit."),
    element("div.heat", { tabindex: 0, role: "group", "aria-label": "Heat map" }, canvas),
  );
  choose(order[0]);
}

function layerPicker(panel, state) {
  const names = Object.keys(state.layers);
  if (names.length < 2) return null;
  const choose = ({ target }) => {
    panel.layer = state.layer = target.value;
    state.draw();
    document.getElementById("inside-layer").focus();
  };
  const options = names.map((name) => element("option", { value: name, selected: name === state.layer }, `${name} (${state.layers[name].units} units)`));
  return element("div.row", {}, element("label", { for: "inside-layer" }, "Layer"), element("select", { id: "inside-layer", change: choose }, ...options));
}

/** The units in the order of the variance of their states over the text, largest first. */
function mostMoving(values, units, count) {
  const variances = Array.from({ length: units }, (_, unit) => {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < count; i += 1) {
      const value = values[i * units + unit];
      sum += value;
      squares += value * value;
    }
    return squares / count - (sum / count) ** 2;
  });
  return variances.map((_, unit) => unit).sort((a, b) => variances[b] - variances[a]);
}

function coloured(text, tokens, value) {
  const [pieces, rest] = spread(text, tokens);
  const words = pieces.flatMap(([gap, token], i) => {
    const state = value(i);
    const vars = { weight: Math.min(1, Math.abs(state)).toFixed(3) };
    return [gap, element(`span.weighed.${state >= 0 ? "raises" : "lowers"}`, { vars, title: `${token} ${state.toFixed(2)}` }, token)];
  });
  return [...words, rest];
}

function paint(canvas, order, chosen, value, count, cell) {
  const context = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const [positive, negative, ink] = ["--raises", "--lowers", "--ink"].map((name) => style.getPropertyValue(name).trim());
  context.clearRect(0, 0, canvas.width, canvas.height);
  order.forEach((unit, row) => {
    for (let i = 0; i < count; i += 1) {
      const state = value(i, unit);
      context.fillStyle = `rgb(${state >= 0 ? positive : negative} / ${Math.min(1, Math.abs(state)).toFixed(3)})`;
      context.fillRect(i * cell, row * CELL, cell - 1, CELL - 1);
    }
    if (unit === chosen) {
      context.strokeStyle = ink;
      context.lineWidth = 2;
      context.strokeRect(1, row * CELL, count * cell - 2, CELL - 1);
    }
  });
}
