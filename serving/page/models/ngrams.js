// TF-IDF of n-grams, which the wide part of a rating model reads; a port of sentiment/ngrams.py.

import { float32, int32 } from "./network.js";

const PADDING = 1; // rows of the table before the first n-gram

export class Ngrams {
  /** @param {{terms: string[], idf: number[]}} content of ngrams.json */
  constructor({ terms, idf }) {
    this.idf = idf;
    this.ids = new Map(terms.map((term, i) => [term, i + PADDING]));
    this.longest = terms.reduce((most, term) => Math.max(most, term.split(" ").length), 1);
  }

  has(term) {
    return this.ids.has(term);
  }

  /** Ids of the n-grams of a text and their TF-IDF, as a vector of length 1. */
  encode(tokens) {
    const lower = tokens.map((token) => token.toLowerCase());
    const counts = new Map();
    for (let length = 1; length <= this.longest; length += 1) {
      for (let start = 0; start + length <= lower.length; start += 1) {
        const id = this.ids.get(lower.slice(start, start + length).join(" "));
        if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
      }
    }
    const values = [...counts].map(([id, count]) => (1 + Math.log(count)) * this.idf[id - PADDING]);
    const size = Math.hypot(...values);
    return [[...counts.keys()], values.map((value) => value / size)];
  }

  /** The inputs of the wide part for some texts. */
  inputs(tokenLists) {
    const rows = tokenLists.map((tokens) => this.encode(tokens));
    const width = Math.max(1, ...rows.map(([ids]) => ids.length));
    const ids = new Int32Array(rows.length * width);
    const values = new Float32Array(rows.length * width);
    rows.forEach(([own, weights], i) => {
      ids.set(own, i * width);
      values.set(weights, i * width);
    });
    return { ngram_ids: int32(ids, [rows.length, width]), ngram_values: float32(values, [rows.length, width]) };
  }
}
