// Parts of speech: words coloured by the family of their tag, with the tag below each.

import { element, fill, percent } from "./dom.js";
import { remark } from "./panel.js";

const UNSURE = 0.7; // probability below which a tag is marked
// Family, what it is called, its tags: those of Universal Dependencies and the older universal ones.
const FAMILIES = [
  ["noun", "nouns, names", { NOUN: "noun", PROPN: "proper noun" }],
  ["verb", "verbs", { VERB: "verb", AUX: "auxiliary verb" }],
  ["describe", "adjectives, adverbs", { ADJ: "adjective", ADV: "adverb" }],
  ["point", "pronouns, articles, numbers", { PRON: "pronoun", DET: "determiner", NUM: "number" }],
  ["join", "small words", {
    ADP: "preposition or postposition", CCONJ: "coordinating conjunction", SCONJ: "subordinating conjunction",
    CONJ: "conjunction", PART: "particle", PRT: "particle",
  }],
  ["other", "marks and the rest", { PUNCT: "punctuation", ".": "punctuation", SYM: "symbol", INTJ: "interjection", X: "other" }],
];
const FAMILY = new Map(FAMILIES.flatMap(([family, , tags]) => Object.keys(tags).map((tag) => [tag, family])));
const NAMES = new Map(FAMILIES.flatMap(([, , tags]) => Object.entries(tags)));

export const tag = {
  name: "tag",
  title: "Tag",
  tasks: ["pos_tagging"],
  verb: "tag",
  lead: "Which part of speech is each word?",
  label: "A text",
  placeholder: "Write a sentence or two …",
  examples: [
    ["refuse permit", "They refuse to permit us to obtain the refuse permit."],
    ["flies", "Time flies like an arrow; fruit flies like a banana."],
    ["buffalo", "Buffalo buffalo Buffalo buffalo buffalo buffalo Buffalo buffalo."],
    ["chat", "omg she's gonna love this!! We can't wait, Dr. Brown said so at 5pm :)"],
  ],
  show(panel, { sentences, remark: text }) {
    const counts = new Map();
    for (const { tags } of sentences) {
      for (const own of tags) counts.set(familyOf(own), (counts.get(familyOf(own)) ?? 0) + 1);
    }
    fill(panel.result, remark(text), element("div.tagged", {}, ...sentences.map(line)), legend(counts));
  },
};

const familyOf = (own) => FAMILY.get(own) ?? "other";

function line({ tokens, tags, probabilities, spaces }) {
  const words = tokens.flatMap((token, i) => {
    const unsure = probabilities[i] < UNSURE;
    const title = `${NAMES.get(tags[i]) ?? tags[i]}, ${percent(probabilities[i])} sure`;
    const word = element(
      `span.word.${familyOf(tags[i])}${unsure ? ".unsure" : ""}`, { title },
      element("span.text", {}, token), element("span.tag", {}, tags[i], unsure ? element("span", { "aria-label": "unsure" }, "?") : null),
    );
    return spaces[i] ? [word, " "] : [word];
  });
  return element("p", {}, ...words);
}

function legend(counts) {
  const shown = FAMILIES.filter(([family]) => counts.has(family));
  return element("ul.families", { "aria-label": "Colours" }, ...shown.map(([family, name]) =>
    element("li", {}, element(`span.swatch.${family}`), `${name} `, element("span.quiet", {}, String(counts.get(family))))));
}
