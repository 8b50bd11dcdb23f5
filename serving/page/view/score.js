// How expected each word of a text is: its surprisal in bits, as the depth of a colour.

import { element, fill, fold, listed, percent, spread } from "./dom.js";
import { remark } from "./panel.js";

const DEEPEST = 16; // bits, of the strongest colour
const MOST_LISTED = 6;

export const score = {
  name: "score",
  title: "Surprise",
  tasks: ["language_model"],
  verb: "score",
  lead: "Which words did the model not see coming?",
  label: "A text",
  placeholder: "Once upon a time there was a king …",
  examples: [
    ["as expected", "Once upon a time there was a king who had three sons."],
    ["a turn", "Once upon a time there was a king who had three telephones."],
    ["shuffled", "Three had who king a was there time a upon once sons."],
  ],
  show(panel, answer, text) {
    const { perplexity, bits_per_character: bits, tokens, log_probabilities: nats } = answer;
    const shown = perplexity.toFixed(perplexity < 100 ? 1 : 0);
    fill(
      panel.result,
      element("p.number", {}, element("strong", {}, shown), element("span", {}, " perplexity"), element("small", {}, ` ${bits.toFixed(2)} bits per character`)),
      element("p.quiet", {}, `On average each token was as hard to guess as one of ${shown} equally likely ones.`),
      remark(answer.remark),
      element("p.reading", {}, ...surprising(text, answer)),
      element("p.legend", {}, "expected", element("span.ramp", { "aria-hidden": "true" }), "surprising; unknown words are ", element("span.surprise.unknown", {}, "dotted")),
      element("p.quiet", {}, "The most surprising:"),
      ...strongest(tokens, nats),
    );
  },
};

const bitsOf = (nats) => -nats / Math.log(2);

function surprising(text, { tokens, log_probabilities: nats, is_unknown: unknown }) {
  const [pieces, rest] = spread(text, tokens.slice(0, -1));
  const words = pieces.flatMap(([gap, token], i) => {
    const bits = bitsOf(nats[i]);
    const vars = { weight: Math.min(1, bits / DEEPEST).toFixed(3) };
    const title = `${token}: ${bits.toFixed(1)} bits, probability ${percent(Math.exp(nats[i]))}`;
    return [gap, element(`span.surprise${unknown[i] ? ".unknown" : ""}`, { vars, title }, token)];
  });
  return [...words, rest];
}

function strongest(tokens, nats) {
  const values = nats.map((value) => `${bitsOf(value).toFixed(1)} bits`);
  const places = tokens.map((_, i) => i);
  const order = places.slice(0, -1).sort((a, b) => nats[a] - nats[b]);
  return [listed(tokens, values, order.slice(0, MOST_LISTED)), fold(`All ${tokens.length} in their order`, listed(tokens, values, places))];
}
