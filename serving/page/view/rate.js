// The rating of a review: a number, how sure the model is, and what each word does for it.

import { element, fill, fold, listed, percent, signed, spread } from "./dom.js";
import { remark } from "./panel.js";

const MOST_WEIGHED = 80; // tokens that are weighed without being asked to
const STRONGEST = 6;

export const rate = {
  name: "rate",
  title: "Rate",
  tasks: ["sentiment"],
  verb: "predict",
  lead: "How many stars would the writer of this review give?",
  label: "A review",
  placeholder: "Write about a film, a book, a phone, a meal …",
  examples: [
    ["a joy", "I laughed, I cried, and I would see it again tomorrow. The best film of the year by far!"],
    ["mixed", "The acting is wonderful, but the plot falls apart halfway through and the ending is a disappointment."],
    ["a broken kettle", "Stopped working after two days. The shop never answered my messages. Avoid."],
  ],
  show(panel, answer, text) {
    const words = element("div.words");
    fill(panel.result, figure(panel.model, answer), remark(answer.remark), words);
    weigh(panel, answer, text, words);
  },
};

/** The number, and below it the probability of each rating with the mean and its spread. */
function figure(model, { rating, spread: deviation, probabilities }) {
  const [worst, best] = model.scale;
  const known = deviation === null ? "" : ` ± ${deviation.toFixed(1)}`;
  const place = (value) => (100 * (Math.min(Math.max(value, worst), best) - worst)) / (best - worst);
  const bars = (probabilities ?? []).map((share) =>
    element("span.level", { vars: { share: String(share / Math.max(...probabilities)) } }));
  const low = deviation === null ? place(rating) : place(rating - deviation);
  const high = deviation === null ? place(rating) : place(rating + deviation);
  const likeliest = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : 0;
  const step = (best - worst) / Math.max(1, (probabilities?.length ?? 2) - 1);
  const told = `Rating ${rating.toFixed(1)} on a scale from ${worst} to ${best}${known}`
    + (probabilities ? `; the likeliest is ${worst + likeliest * step} with ${percent(probabilities[likeliest])}` : "");
  return element(
    "div.rating", {},
    element("p.number", {}, element("strong", {}, rating.toFixed(1)), element("span", {}, ` of ${best}`), element("small", {}, known)),
    element(
      "div.scale", { role: "img", "aria-label": told, vars: { half: String(50 / Math.max(1, bars.length - 1)) } },
      bars.length ? element("div.levels", {}, ...bars) : null,
      element("div.track", {}, element("span.band", { vars: { low: `${low}%`, high: `${high}%` } }), element("span.mark", { vars: { at: `${place(rating)}%` } })),
      element("div.ends", {}, element("span", {}, String(worst)), element("span", {}, String(best))),
    ),
  );
}

/** Occlusion, by itself for short texts, on demand for long ones. */
function weigh(panel, { num_tokens: count }, text, words) {
  const start = async () => {
    const onProgress = (share) => fill(words, element("p.quiet", {}, `Weighing each word: ${percent(share)}`));
    const asked = panel.ask("explain", text, {}, { onProgress });
    panel.later = asked;
    try {
      const answer = await asked.answer;
      if (answer && panel.isShown(text)) fill(words, ...weighed(text, answer));
    } catch (error) {
      fill(words, element("p.remark", {}, `The words could not be weighed: ${error.message}`));
    }
  };
  if (count <= MOST_WEIGHED) start();
  else fill(words, element("button.main", { type: "button", click: start }, `Weigh each of the ${count} words`));
}

function weighed(text, { tokens, weights }) {
  const largest = Math.max(...weights.map(Math.abs), 1e-9);
  const [pieces, rest] = spread(text, tokens);
  const marked = pieces.flatMap(([gap, token], i) => {
    const kind = weights[i] >= 0 ? "raises" : "lowers";
    const vars = { weight: (Math.abs(weights[i]) / largest).toFixed(3) };
    return [gap, element(`span.weighed.${kind}`, { vars, title: `${token} ${signed(weights[i])}` }, token)];
  });
  const order = weights.map((_, i) => i).sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a]));
  const values = weights.map((weight) => signed(weight));
  return [
    element("h2", {}, "What each word does"),
    element("p.reading", {}, ...marked, rest),
    element("p.legend", {}, element("span.weighed.raises", { vars: { weight: "1" } }, "raises the rating"), " ", element("span.weighed.lowers", { vars: { weight: "1" } }, "lowers it")),
    element("p.quiet", {}, "By how much the rating would change if the word were an unknown one. The strongest:"),
    listed(tokens, values, order.slice(0, STRONGEST)),
    fold(`All ${tokens.length} in their order`, listed(tokens, values, weights.map((_, i) => i))),
  ];
}
