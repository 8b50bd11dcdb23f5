// A language model: scores of a text, likely next tokens, and a text that is sampled token by token; ports of
// language_model/predict.py and writing.py.

import { isAscii, last, size } from "../text/characters.js";
import { BOS_ID, EOS_ID, PAD_ID, Vocabulary } from "../text/vocabulary.js";
import { WordJoiner } from "./joining.js";
import { float32, int32, joinUnits, unitsOf } from "./network.js";
import { Random } from "./random.js";
import { sampleToken } from "./sampling.js";

const MAX_LOGITS = 1_000_000; // numbers held at once
const TAIL = 60; // characters that tell whether a sentence ends

export class LanguageModel {
  /**
   * @param {Network} network
   * @param {Language} language
   * @param {object} settings of the builder
   */
  constructor(network, language, settings) {
    Object.assign(this, { network, language, settings });
    this.vocabulary = new Vocabulary(settings.vocabulary);
  }

  /** Tokens of a text, and how each is written there. */
  split(text) {
    const normalized = this.language.normalizer.normalize(text, this.settings.normalization);
    const clean = () => this.language.tokenizer.clean(normalized.text);
    const tokens = this.settings.level === "word" ? this.language.tokenizer.tokenize(normalized.text)
      : this.settings.level === "spaced" ? this.language.characters.split(clean()) : [...clean()];
    return { tokens, written: normalized.writtenTokens(tokens) };
  }

  initialStates() {
    return Object.fromEntries(
      Object.entries(this.settings.states).map(([name, count]) => [name, float32(new Float32Array(count), [1, count])]),
    );
  }

  /** Read the next tokens: the logits after each of them, and the states after the last. */
  async step(ids, states, withUnits = false) {
    const answer = await this.network.run({ token_ids: int32(ids, [1, ids.length]), ...states }, withUnits);
    const after = Object.keys(states).map((name) => [name, float32(answer[`next_${name}`].data, states[name][2])]);
    return { answer, logits: answer.logits.data, states: Object.fromEntries(after) };
  }

  /**
   * Read ids piece by piece.
   *
   * @param {object} listeners `onLogits(logits, place)` after each place, `onAnswer(answer, start, count)` with hidden states
   */
  async read(ids, { onLogits = () => {}, onAnswer = null } = {}) {
    const count = this.vocabulary.size;
    const width = Math.max(1, Math.floor(MAX_LOGITS / count));
    let states = this.initialStates();
    let logits;
    for (let start = 0; start < ids.length; start += width) {
      const piece = ids.slice(start, start + width);
      const answer = await this.step(piece, states, onAnswer !== null);
      states = answer.states;
      onAnswer?.(answer.answer, start, piece.length);
      for (let i = 0; i < piece.length; i += 1) {
        logits = answer.logits.subarray(i * count, (i + 1) * count);
        onLogits(logits, start + i);
      }
    }
    return { logits, states };
  }

  /** Score a text: the log-probability in nats of each token and of its end. */
  async score(text) {
    const { tokens, written } = this.split(text);
    const ids = [BOS_ID, ...this.vocabulary.encode(tokens), EOS_ID];
    const nats = [];
    await this.read(ids.slice(0, -1), { onLogits: (logits, i) => nats.push(logSoftmax(logits, ids[i + 1])) });
    const total = -nats.reduce((sum, value) => sum + value, 0);
    return {
      tokens: [...written, "<eos>"],
      log_probabilities: nats,
      is_unknown: [...tokens.map((token) => !this.vocabulary.has(token)), false],
      perplexity: Math.exp(total / nats.length),
      bits_per_character: total / Math.log(2) / Math.max(1, size(text)),
      remark: this.language.remarks.on(tokens, (token) => this.vocabulary.has(token)),
    };
  }

  /** The hidden states of every recurrent layer at every token. */
  async units(text) {
    const { tokens, written } = this.split(text);
    const pieces = [];
    await this.read([BOS_ID, ...this.vocabulary.encode(tokens)], {
      onAnswer: (answer, start, count) => {
        const steps = Array.from({ length: count }, (_, i) => i).filter((i) => start + i > 0); // none for the beginning
        pieces.push(unitsOf(answer, steps));
      },
    });
    return { tokens: written, layers: joinUnits(pieces) };
  }

  /** The likeliest next tokens after a text, with their probabilities; padding and the mark of the beginning left out. */
  async next(text, { count = 10 } = {}) {
    const { tokens } = this.split(text);
    const { logits } = await this.read([BOS_ID, ...this.vocabulary.encode(tokens)]);
    const places = Array.from(logits.keys()).filter((id) => id !== PAD_ID && id !== BOS_ID);
    const best = places.sort((a, b) => logits[b] - logits[a] || a - b).slice(0, count);
    return best.map((id) => ({ token: this.vocabulary.tokens[id], probability: Math.exp(logSoftmax(logits, id)) }));
  }

  /** The whole text of `write`. */
  async generate(prompt, options) {
    let text = "";
    for await (const piece of this.write(prompt, options)) text += piece;
    return text;
  }

  /**
   * Write on from a prompt: first the prompt as it is shown, then what is new of the text, piece by piece.
   *
   * @param {object} options maxTokens, temperature, topK, topP, minP, seed, completeSentences
   */
  async *write(prompt, options = {}) {
    const { tokens } = this.split(prompt);
    const text = new GrowingText(this, tokens, options);
    const rng = new Random(options.seed ?? 0);
    yield this.settings.level === "character" ? prompt : this.language.characters.stripEnd(prompt);
    let { logits, states } = await this.read(text.ids);
    for (;;) {
      const chosen = sampleToken(logits, rng, options);
      const piece = text.add(chosen);
      if (piece) yield piece;
      if (!text.running) return;
      ({ logits, states } = await this.step([chosen], states));
    }
  }
}

/** A text as it is written: its tokens, how they are joined, and whether it goes on; see language_model/writing.py. */
class GrowingText {
  constructor(model, promptTokens, { maxTokens = 100, completeSentences = true }) {
    this.model = model;
    this.maxTokens = maxTokens;
    this.completeSentences = completeSentences;
    this.longest = maxTokens + (completeSentences ? model.settings.extra_tokens : 0);
    this.ids = [BOS_ID, ...model.vocabulary.encode(promptTokens)];
    const isOfWords = model.settings.level !== "character";
    this.joiner = isOfWords ? new WordJoiner(model.language.rules.patterns, model.vocabulary.lowercase) : null;
    this.tail = [...promptTokens.map((token) => this.join(token)).join("")].slice(-TAIL).join("");
    this.pieces = [];
    this.numGiven = 0;
    this.atEnd = false;
    this.lastEnd = 0;
    this.running = true;
  }

  get isComplete() {
    return this.atEnd && this.completeSentences && this.pieces.length >= this.maxTokens;
  }

  /** Take the next token; returns the piece of text by which the text grows. */
  add(id) {
    if (id === EOS_ID) return this.finish();
    const token = this.model.vocabulary.tokens[id];
    const piece = this.join(token);
    const { closing } = this.model.language.sentences;
    if (this.atEnd && ![...piece].every((character) => closing.includes(character))) {
      this.goOn(piece);
      if (this.isComplete) return this.finish();
    }
    this.append(token, piece);
    const looksAhead = this.joiner === null || this.joiner.isInside;
    if (this.isComplete && !looksAhead) return this.finish();
    if (this.pieces.length >= this.longest) return this.finishAtLength();
    return this.give(this.completeSentences ? this.lastEnd : this.pieces.length);
  }

  join(token) {
    return this.joiner ? this.joiner.add(token) : token;
  }

  /** Of characters, those behind a full stop show whether it was the end of a sentence. */
  goOn(piece) {
    if (this.joiner) return;
    if (this.model.language.characters.isSpace(piece) || !isAscii(last(this.tail))) this.lastEnd = this.pieces.length;
    else this.atEnd = false;
  }

  append(token, piece) {
    this.pieces.push(piece);
    this.tail = [...(this.tail + piece)].slice(-TAIL).join("");
    this.atEnd = this.endsSentence(token);
    if (this.atEnd && this.joiner) this.lastEnd = this.pieces.length;
  }

  endsSentence(token) {
    const { sentences } = this.model.language;
    if (this.model.settings.level === "word") {
      const isMark = [...token].every((character) => sentences.marks.has(character));
      const isClosing = this.atEnd && [...token].every((character) => sentences.closing.includes(character));
      if (!isMark && !isClosing) return false;
    }
    return sentences.endsSentence(this.tail);
  }

  /** Stop at the longest length; if no sentence ends there, cut back to the last one. */
  finishAtLength() {
    if (this.completeSentences && !this.atEnd) this.pieces.length = Math.min(this.lastEnd || this.maxTokens, this.pieces.length);
    return this.finish();
  }

  finish() {
    this.running = false;
    return this.give(this.pieces.length);
  }

  give(end) {
    const start = this.numGiven;
    this.numGiven = end;
    return this.pieces.slice(start, end).join("");
  }
}

/** The log-probability in nats of a token. */
function logSoftmax(logits, id) {
  let top = -Infinity;
  for (const logit of logits) if (logit > top) top = logit;
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - top);
  return logits[id] - top - Math.log(total);
}
