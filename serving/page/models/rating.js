// A rating model: a text in, a rating out, and what each token does for it; ports of sentiment/predict.py and explain.py.

import { BOS_ID, SPECIAL_TOKENS, UNK_ID, Vocabulary } from "../text/vocabulary.js";
import { int32, softmax, unitsOf } from "./network.js";
import { Ngrams } from "./ngrams.js";

const TOKENS_AT_ONCE = 2048; // in a batch of an explanation

export class RatingModel {
  /**
   * @param {Network} network
   * @param {Language} language
   * @param {object} settings of the builder
   */
  constructor(network, language, settings) {
    this.network = network;
    this.language = language;
    this.settings = settings;
    this.vocabulary = new Vocabulary(settings.vocabulary);
    this.ngrams = settings.ngrams ? new Ngrams(settings.ngrams) : null;
  }

  /** Whether a token says anything to the model. */
  knows(token) {
    return this.vocabulary.has(token) || (this.ngrams?.has(token.toLowerCase()) ?? false);
  }

  read(text) {
    const normalized = this.language.normalizer.normalize(text, this.settings.normalization);
    const tokens = this.language.tokenizer.tokenize(normalized.text);
    return { tokens, written: normalized.writtenTokens(tokens) };
  }

  /** The ids that the network reads: the mark of the beginning first, cut to the longest length. */
  encode(tokens) {
    const { longest, truncation, directions } = this.settings;
    const room = longest - 1;
    let ids = this.vocabulary.encode(tokens);
    if (ids.length > room) {
      const head = { head: room, tail: 0, both: Math.floor(room / 4) }[truncation];
      ids = [...ids.slice(0, head), ...ids.slice(ids.length - (room - head))];
    }
    return [BOS_ID, ...(directions === "backward" ? ids.reverse() : ids)];
  }

  /** Run the network on tokenized texts of one length; returns its outputs, or its hidden states. */
  async run(tokenLists, withUnits = false) {
    const rows = tokenLists.map((tokens) => this.encode(tokens));
    const words = { token_ids: int32(rows.flat(), [rows.length, rows[0].length]) };
    return this.network.run({ ...words, ...this.ngrams?.inputs(tokenLists) }, withUnits);
  }

  /** The hidden states of every recurrent layer at every token. */
  async units(text) {
    const { tokens, written } = this.read(text);
    const kept = written.slice(0, this.settings.longest - 1);
    const answer = await this.run([tokens.slice(0, this.settings.longest - 1)], true);
    const steps = kept.map((_, i) => 1 + (this.settings.directions === "backward" ? kept.length - 1 - i : i));
    return { tokens: kept, layers: unitsOf(answer, steps) };
  }

  /** Rate a text: `rating`, `spread` and `probabilities` (null where the model knows none), tokens, and a remark. */
  async predict(text) {
    const { tokens, written } = this.read(text);
    const answer = await this.run([tokens]);
    return {
      rating: this.clip(answer.rating.data[0]),
      spread: answer.spread ? answer.spread.data[0] : null,
      probabilities: answer.logits ? this.probabilities(answer.logits.data) : null,
      tokens: written,
      num_tokens: tokens.length,
      num_unknown: tokens.filter((token) => !this.knows(token)).length,
      remark: this.language.remarks.on(tokens, (token) => this.knows(token)),
    };
  }

  clip(rating) {
    return Math.min(Math.max(rating, this.settings.min_rating), this.settings.max_rating);
  }

  /** The probability of each level of the scale, from the worst. */
  probabilities(logits) {
    if (this.settings.head === "categorical") return softmax(logits);
    const above = Array.from(logits, (logit) => 0.5 * (1 + Math.tanh(logit / 2)));
    const levels = [1, ...above].map((share, i) => Math.max(share - (above[i] ?? 0), 0));
    const total = levels.reduce((sum, level) => sum + level, 0);
    return levels.map((level) => level / total);
  }

  /**
   * Occlusion: by how much the rating is higher than it would be if a token were an unknown word.
   *
   * @param {{onProgress: (share: number) => Promise<void>}} options hears how far it is, and may stop it by an error
   * @returns tokens as written, and their weights
   */
  async explain(text, { onProgress = () => {} } = {}) {
    const { tokens, written } = this.read(text);
    const without = tokens.map((_, place) => tokens.map((token, i) => (i === place ? SPECIAL_TOKENS[UNK_ID] : token)));
    const variants = [tokens, ...without];
    const count = Math.max(1, Math.floor(TOKENS_AT_ONCE / (tokens.length + 1)));
    const ratings = [];
    for (let start = 0; start < variants.length; start += count) {
      const { rating } = await this.run(variants.slice(start, start + count));
      ratings.push(...Array.from(rating.data, (value) => this.clip(value)));
      await onProgress(ratings.length / variants.length);
    }
    return { tokens: written, weights: ratings.slice(1).map((rating) => ratings[0] - rating) };
  }
}
