// A tagger: a text in, sentences of words with their tags out; a port of pos_tagging/predict.py and lexicon.py.

import { compile, isAlpha, isUpper, size } from "../text/characters.js";
import { BOS_ID, EOS_ID, PAD_ID, Vocabulary } from "../text/vocabulary.js";
import { float32, int32, joinUnits, largest, softmax, unitsOf } from "./network.js";

const MOST_ALIKE = 4; // characters of one kind in the shape of a word
const LONG_WORD = 100;

export class Tagger {
  /**
   * @param {Network} network
   * @param {Language} language
   * @param {object} settings of the builder
   * @param {?Splitter} splitter finds sentences and words; null: rules do
   */
  constructor(network, language, settings, splitter) {
    Object.assign(this, { network, language, settings, splitter });
    this.vocabularies = Object.fromEntries(
      Object.entries(settings.vocabularies).map(([name, content]) => [name, new Vocabulary(content)]),
    );
    this.knownEmoji = new Set(settings.known_emoji);
    this.emoji = compile(language.rules.patterns.EMOJI);
  }

  /** Tag a text: `sentences` of `tokens`, `tags`, `probabilities`, `spaces` (whether one follows), and a remark. */
  async tag(text) {
    const sentences = this.splitter ? await this.splitByNetwork(text) : this.splitByRules(text);
    for (const sentence of sentences) Object.assign(sentence, await this.tagTokens(sentence.tokens));
    const words = sentences.flatMap((sentence) => sentence.tokens);
    return { sentences, remark: this.language.remarks.on(words, (word) => this.knows(word)) };
  }

  /** The hidden states of every recurrent layer at every word; each sentence is read by itself. */
  async units(text) {
    const sentences = this.splitter ? await this.splitByNetwork(text) : this.splitByRules(text);
    if (this.settings.num_beams) return { tokens: sentences.flatMap(({ tokens }) => tokens), layers: {} }; // one for each beam
    const pieces = [];
    for (const { tokens } of sentences) {
      const words = tokens.slice(0, this.settings.max_tokens);
      pieces.push([words, unitsOf(await this.network.run(this.encode(words), true), words.map((_, i) => i))]);
    }
    return { tokens: pieces.flatMap(([words]) => words), layers: joinUnits(pieces.map(([, layers]) => layers)) };
  }

  async splitByNetwork(text) {
    const steps = this.settings.normalization.split(",").filter((name) => name !== "typography");
    const normalized = this.language.normalizeAndCut(text, steps.join(","));
    const sentences = await this.splitter.split(normalized.text);
    return writeBack(sentences, normalized);
  }

  splitByRules(text) {
    const normalized = this.language.normalizeAndCut(text, this.settings.normalization);
    return this.language.splitSentences(normalized.text).map((tokens) => this.asWritten(tokens, normalized));
  }

  asWritten(tokens, normalized) {
    const words = [];
    const spaces = [];
    for (const token of tokens) {
      const end = token.start + token.text.length;
      const written = normalized.written(token.start, end);
      const space = token.space || this.language.characters.isSpace(normalized.text.slice(end, end + 1));
      if (written || !words.length) {
        words.push(written || token.text);
        spaces.push(space);
      } else {
        spaces[spaces.length - 1] = space;
      }
    }
    return { tokens: words, spaces };
  }

  /** Tag the words of a sentence; a very long one is tagged in pieces. */
  async tagTokens(tokens) {
    const tags = [];
    const probabilities = [];
    for (let start = 0; start < tokens.length; start += this.settings.max_tokens) {
      const piece = tokens.slice(start, start + this.settings.max_tokens);
      const inputs = this.encode(piece);
      const found = this.settings.num_beams ? await this.searchBeams(inputs, piece.length)
        : this.decode(await this.network.run(inputs), piece.length);
      for (const [tag, probability] of found) {
        tags.push(this.settings.tags[tag]);
        probabilities.push(probability);
      }
    }
    return { tags, probabilities };
  }

  decode(answer, length) {
    const output = answer.scores ?? Object.values(answer)[0];
    if (answer.scores) return bestPath(output.data, length, this.settings.tags.length);
    const count = this.settings.tags.length;
    return Array.from({ length }, (_, i) => {
      const logits = output.data.subarray(i * count, (i + 1) * count);
      const best = largest(logits);
      return [best, softmax(logits)[best]];
    });
  }

  /** Beam search of a tagger whose network reads the tag before: tags are chosen word by word. */
  async searchBeams(inputs, length) {
    const { num_beams: count, units, tags } = this.settings;
    let beams = Array.from({ length: count }, (_, i) => ({ chosen: [], total: i ? -Infinity : 0 }));
    let state = new Float32Array(count * units);
    for (let t = 0; t < length; t += 1) {
      const before = beams.map(({ chosen }) => (chosen.length ? chosen.at(-1)[0] + 1 : 0));
      const answer = await this.network.run({
        ...stepOf(inputs, t, count),
        previous_tags: int32(before, [count, 1]),
        state: float32(state, [count, units]),
      });
      const ways = beams.flatMap(({ total }, row) =>
        softmax(answer.logits.data.subarray(row * tags.length, (row + 1) * tags.length))
          .map((probability, tag) => ({ row, tag, probability, total: total + Math.log(probability) })));
      const best = ways.sort((a, b) => (b.total > a.total) - (b.total < a.total)).slice(0, count);
      beams = best.map(({ row, tag, probability, total }) => ({ chosen: [...beams[row].chosen, [tag, probability]], total }));
      state = new Float32Array(count * units);
      best.forEach(({ row }, i) => state.set(answer.next_state.data.subarray(row * units, (row + 1) * units), i * units));
    }
    return beams[0].chosen;
  }

  normalizeWord(word) {
    return this.language.normalizer.normalizeWord(word, this.settings.normalization);
  }

  knows(word) {
    const normal = this.normalizeWord(word);
    const given = this.vocabularies.vector_words;
    return this.vocabularies.words.has(normal)
      || (given !== undefined && (given.has(normal) || given.has(normal.toLowerCase())));
  }

  /** The inputs of the network: the ids of the features of each word; distinct words are spelled once. */
  encode(tokens) {
    const words = tokens.map((token) => {
      const word = this.normalizeWord(token);
      const isEmoji = word.match(this.emoji)?.[0] === word;
      return isEmoji && !this.knownEmoji.has(word) ? this.settings.emoticon : word;
    });
    const { words: known, characters, shapes, affixes, vector_words: given } = this.vocabularies;
    const distinct = [...new Set(words)];
    const places = new Map(distinct.map((word, i) => [word, i]));
    const dims = [1, words.length];
    const { word_length: length } = this.settings;
    const inputs = {
      token_ids: int32(known.encode(words), dims),
      spellings: int32(distinct.flatMap((word) => spell(word, characters, length)), [distinct.length, length]),
      spelling_ids: int32(words.map((word) => places.get(word)), dims),
    };
    if (shapes) inputs.shape_ids = int32(words.map((word) => shapes.id(this.shape(word))), dims);
    if (affixes) {
      const lengths = this.settings.affix_lengths;
      const ids = words.flatMap((word) => affixes.encode(affixesOf(word, lengths)));
      inputs.affix_ids = int32(ids, [...dims, 2 * lengths.length]);
    }
    if (given) {
      const find = (word) => (given.has(word) ? given.id(word) : given.id(word.toLowerCase()));
      inputs.vector_ids = int32(words.map(find), dims);
    }
    return inputs;
  }

  /** The shape of a word as spaCy has it: X for a capital, x for another letter, d for a digit. */
  shape(word) {
    if (size(word) >= LONG_WORD) return "LONG";
    let shape = "";
    let before = "";
    let count = 0;
    for (const character of word) {
      const kind = isAlpha(character) ? (isUpper(character) ? "X" : "x")
        : this.language.characters.isDigit(character) ? "d" : character;
      count = kind === before ? count + 1 : 1;
      before = kind;
      if (count <= MOST_ALIKE) shape += kind;
    }
    return shape;
  }
}

/** The inputs of one word for each of some beams; the spellings are those of all words. */
function stepOf({ spellings, ...inputs }, t, count) {
  const step = { spellings };
  for (const [name, [type, data, [, , ...rest]]] of Object.entries(inputs)) {
    const width = rest.reduce((product, size) => product * size, 1);
    const own = Array.from({ length: count }, () => [...data.subarray(t * width, (t + 1) * width)]).flat();
    step[name] = [type, Int32Array.from(own), [count, 1, ...rest]];
  }
  return step;
}

/** Words of a normalized text as they are written; the words of a token that is split stay as they are. */
function writeBack(sentences, normalized) {
  if (!normalized.starts) return sentences;
  let end = 0;
  for (const { tokens, ranges } of sentences) {
    for (const [form, places] of writtenAsOne(tokens, ranges)) {
      const start = normalized.text.indexOf(form, end);
      if (start >= 0) end = start + form.length;
      const written = (start >= 0 && normalized.written(start, end)) || form;
      if (places.length === 1) tokens[places[0]] = written;
    }
  }
  return sentences;
}

function writtenAsOne(tokens, ranges) {
  const starts = new Map(ranges.map(([firstWord, lastWord, form]) => [firstWord, [lastWord, form]]));
  const found = [];
  for (let place = 0; place < tokens.length; ) {
    const [end, form] = starts.get(place) ?? [place + 1, tokens[place]];
    found.push([form, Array.from({ length: end - place }, (_, i) => place + i)]);
    place = end;
  }
  return found;
}

/** Begin mark, characters, end mark, padding; of a longer word the two ends stay. */
function spell(word, characters, length) {
  const room = length - 2;
  let ids = characters.encode([...word]);
  if (ids.length > room) ids = [...ids.slice(0, room >> 1), ...ids.slice(-(room >> 1))];
  return [BOS_ID, ...ids, EOS_ID, ...new Array(room - ids.length).fill(PAD_ID)];
}

function affixesOf(word, lengths) {
  const characters = [...word.toLowerCase()];
  const beginnings = lengths.map((length) => `${characters.slice(0, length).join("")}-`);
  return [...beginnings, ...lengths.map((length) => `-${characters.slice(-length).join("")}`)];
}

/** Viterbi's algorithm over the scores (time, tag before, tag) of a CRF; the probabilities by forward-backward. */
function bestPath(scores, length, count) {
  const score = (t, before, tag) => scores[(t * count + before) * count + tag];
  const tags = Array.from({ length: count }, (_, tag) => tag);
  let best = tags.map((tag) => score(0, 0, tag));
  const ahead = [best];
  const origins = [];
  for (let t = 1; t < length; t += 1) {
    const ways = tags.map((tag) => tags.map((before) => best[before] + score(t, before, tag)));
    origins.push(ways.map(largest));
    best = ways.map((way) => way[largest(way)]);
    ahead.push(tags.map((tag) => logSum(tags.map((before) => ahead[t - 1][before] + score(t, before, tag)))));
  }
  const behind = [tags.map(() => 0)];
  for (let t = length - 1; t > 0; t -= 1) {
    const [later] = behind;
    behind.unshift(tags.map((before) => logSum(tags.map((tag) => later[tag] + score(t, before, tag)))));
  }
  const path = [largest(best)];
  for (const origin of origins.reverse()) path.unshift(origin[path[0]]);
  return path.map((tag, t) => {
    const both = tags.map((other) => ahead[t][other] + behind[t][other]);
    return [tag, Math.exp(both[tag] - logSum(both))];
  });
}

function logSum(values) {
  const top = Math.max(...values);
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
}

