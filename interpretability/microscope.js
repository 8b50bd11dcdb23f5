"use strict";
// The microscope: choose a unit, see a text coloured by it, its gates below, and where it is highest and lowest.
const data = JSON.parse(document.getElementById("data").textContent);
const by = id => document.getElementById(id);
const BLUE = [0, 114, 178], ORANGE = [213, 94, 0];
const characters = data.level === "character";
const chosen = { text: 0, layer: 0, unit: 0, kind: "h", token: 0 };
const decoded = new Map();

function numbers(text, layer, kind) {  // (tokens * units), int8: 127 is `scale`
  const key = [text, layer, kind].join();
  if (!decoded.has(key)) {
    const bytes = atob(data.texts[text].values[layer][kind]);
    decoded.set(key, Int8Array.from(bytes, byte => byte.charCodeAt(0)));
  }
  return decoded.get(key);
}

const layer = () => data.layers[chosen.layer];
const kinds = () => Object.keys(data.texts[0].values[chosen.layer]);
const tokens = () => data.texts[chosen.text].tokens;

function value(token, kind = chosen.kind, unit = chosen.unit) {
  const scale = kind === "h" ? layer().scale : 1;
  return numbers(chosen.text, chosen.layer, kind)[token * layer().units + unit] / 127 * scale;
}

function strongest(kind = chosen.kind) {  // of this unit in this text; gates and what never moves as they are
  const most = Math.max(...tokens().map((_, number) => Math.abs(value(number, kind))));
  return kind === "h" || kind === "c" ? Math.max(most, 0.01) : 1;
}

function colour(value, most) {
  const [r, g, b] = value < 0 ? ORANGE : BLUE;
  return `rgba(${r}, ${g}, ${b}, ${Math.min(1, Math.abs(value)) * most})`;
}

const visible = token => token === "\n" ? "↵" : token === " " ? "␣" : token;
const ink = () => getComputedStyle(document.body).color;

function fill(select, names, at) {
  select.replaceChildren(...names.map((name, number) => new Option(name, number)));
  select.selectedIndex = at;
}

function showText() {
  const most = strongest();
  by("scale").textContent = `from −${most.toFixed(2)}, orange, through 0 to ${most.toFixed(2)}, blue. Tap a token.`;
  by("reading").replaceChildren(...tokens().flatMap((token, number) => {
    const span = document.createElement("span");
    span.textContent = token === "\n" ? "↵\n" : token;
    span.style.background = colour(value(number) / most, 0.6);
    span.title = value(number).toFixed(2);
    span.className = number === chosen.token ? "chosen" : "";
    span.onclick = () => choose({ token: number });
    return characters ? [span] : [span, " "];
  }));
}

function showToken() {
  const shown = kinds().map(kind => `${data.names[kind]} ${value(chosen.token, kind).toFixed(2)}`);
  by("token").textContent = `“${visible(tokens()[chosen.token])}”: ${shown.join(", ")}`;
  const near = data.neighbours[tokens()[chosen.token]];
  by("near").textContent = near ? near.map(([word, cosine]) => `${visible(word)} ${cosine.toFixed(2)}`).join(", ")
    : "none: the token is not in the vocabulary";
}

function prepare(canvas, width, height) {  // sharp on phones too
  const ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio; canvas.height = height * ratio;
  canvas.style.width = `${width}px`; canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.fillStyle = ink(); context.strokeStyle = ink();
  context.font = "12px system-ui, sans-serif";
  return context;
}

const LEFT = 92, TOP = characters ? 22 : 74, ROW = 22, CELL = characters ? 13 : 20;

function showStrips() {
  const size = CELL, rows = kinds();
  const context = prepare(by("strips"), LEFT + size * tokens().length + 60, TOP + ROW * rows.length + 4);
  tokens().forEach((token, number) => {
    context.save();
    context.translate(LEFT + size * (number + 0.7), TOP - 5);
    if (characters) context.translate(-size / 2, 0); else context.rotate(-Math.PI / 3);
    context.fillText(visible(token).slice(0, 11), 0, 0);
    context.restore();
  });
  rows.forEach((kind, row) => {
    const most = strongest(kind);
    context.fillStyle = ink();
    context.fillText(data.names[kind], 0, TOP + ROW * row + 15);
    tokens().forEach((_, number) => {
      context.fillStyle = colour(value(number, kind) / most, 0.9);
      context.fillRect(LEFT + size * number, TOP + ROW * row + 1, size - 1, ROW - 3);
    });
  });
  context.strokeRect(LEFT + size * chosen.token - 1, TOP - 1, size + 1, ROW * rows.length + 1);
}

function showMap() {
  const units = layer().units, num = tokens().length, across = Math.max(2, Math.ceil(600 / num));
  const canvas = by("map"), found = numbers(chosen.text, chosen.layer, chosen.kind);
  canvas.width = num; canvas.height = units;
  canvas.style.width = `${across * num}px`; canvas.style.height = `${units}px`;
  const image = new ImageData(num, units);
  for (let unit = 0; unit < units; unit++) for (let token = 0; token < num; token++) {
    const here = found[token * units + unit];
    image.data.set([...(here < 0 ? ORANGE : BLUE), Math.abs(here) * 2], 4 * (unit * num + token));
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  by("row").style.cssText = `left: 0; width: ${across * num}px; top: ${chosen.unit}px; height: 1px`;
  by("column").style.cssText = `top: 0; height: ${units}px; left: ${across * chosen.token}px; width: 1px`;
  by("about-map").textContent = `${data.names[chosen.kind]} of all ${units} units of ${layer().name} (from the top: 0 to `
    + `${units - 1}) over the ${num} tokens of the text, from left to right. Tap to choose a unit and a token.`;
}

function showPeaks() {
  for (const side of ["highest", "lowest"]) {
    by(side).replaceChildren(...data[side][chosen.layer][chosen.unit].map(([before, token, after, here]) => {
      const item = document.createElement("li"), mark = document.createElement("b"), note = document.createElement("small");
      mark.textContent = visible(token); note.textContent = ` ${here.toFixed(2)}`;
      item.append(before.replaceAll("\n", "↵"), mark, after.replaceAll("\n", "↵"), note);
      return item;
    }));
  }
  const shares = layer().saturation[chosen.unit] || {};
  by("saturation").textContent = Object.entries(shares).map(([gate, [shut, open]]) =>
    `${data.names[gate]}: shut at ${shut}% of the tokens, open at ${open}%`).join("; ");
}

function choose(what) {
  Object.assign(chosen, what);
  if ("layer" in what && !kinds().includes(chosen.kind)) chosen.kind = "h";
  chosen.unit = Math.max(0, Math.min(layer().units - 1, Math.round(chosen.unit) || 0));
  chosen.token = Math.min(chosen.token, tokens().length - 1);
  by("text").selectedIndex = chosen.text;
  by("layer").selectedIndex = chosen.layer;
  fill(by("kind"), kinds().map(kind => data.names[kind]), kinds().indexOf(chosen.kind));
  by("unit").value = chosen.unit; by("unit").max = layer().units - 1;
  for (const button of by("jumps").children) {
    button.setAttribute("aria-pressed", button.dataset.place === `${chosen.layer} ${chosen.unit}`);
  }
  for (const show of [showText, showToken, showStrips, showMap, showPeaks]) show();
}

fill(by("text"), data.texts.map(text => text.title), 0);
fill(by("layer"), data.layers.map(layer => `${layer.name} (${layer.units} units)`), 0);
by("jumps").replaceChildren(...data.concepts.map(concept => {
  const button = document.createElement("button");
  button.textContent = `${concept.name}: ${data.layers[concept.layer].name} ${concept.unit}`;
  button.title = `${concept.meaning}; ${concept.verdict}`;
  button.dataset.place = `${concept.layer} ${concept.unit}`;
  button.onclick = () => choose({ layer: concept.layer, unit: concept.unit });
  return button;
}));
by("text").onchange = event => choose({ text: event.target.selectedIndex, token: 0 });
by("layer").onchange = event => choose({ layer: event.target.selectedIndex });
by("kind").onchange = event => choose({ kind: kinds()[event.target.selectedIndex] });
by("unit").onchange = event => choose({ unit: Number(event.target.value) });
by("less").onclick = () => choose({ unit: chosen.unit - 1 });
by("more").onclick = () => choose({ unit: chosen.unit + 1 });
by("strips").onclick = event => {
  const number = Math.floor((event.offsetX - LEFT) / CELL);
  if (number >= 0 && number < tokens().length) choose({ token: number });
};
by("map").onclick = event => {
  const box = by("map").getBoundingClientRect();
  choose({
    unit: Math.floor((event.clientY - box.top) / box.height * layer().units),
    token: Math.floor((event.clientX - box.left) / box.width * tokens().length),
  });
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => choose({}));
const first = data.concepts[0];
choose(first ? { layer: first.layer, unit: first.unit } : {});
