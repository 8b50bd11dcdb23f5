// The splitter of a tagger: a small network labels characters with what begins at them; a port of pos_tagging/splitting/.

import { compile, isAlpha, isUpper } from "../text/characters.js";
import { UNK_ID, Vocabulary } from "../text/vocabulary.js";
import { int32, largest } from "./network.js";

// The labels of pos_tagging/splitting/labels.py.
const [INSIDE, WORD, INNER_WORD, EXPANDED, SENTENCE, EXPANDED_SENTENCE] = [0, 1, 2, 3, 4, 5];
const NUM_LABELS = 6;
const [NO_GAP, SPACE, PARAGRAPH] = [0, 1, 2];

export class Splitter {
  /**
   * @param {Network} network
   * @param {Language} language
   * @param {object} settings of the builder
   */
  constructor(network, language, settings) {
    Object.assign(this, { network, language, settings });
    this.vocabulary = new Vocabulary(settings.characters);
    this.someLetter = settings.characters.tokens.find((token) => isAlpha(token)) ?? "";
    this.pieces = new Map(settings.pieces.map((piece) => [piece.replace(/[ \t]/g, ""), readPiece(piece)]));
    this.expansions = new Map(Object.entries(settings.expansions));
    this.address = compile(language.rules.patterns.ADDRESS, "g");
  }

  /** Split a text into sentences: `tokens`, `spaces`, and `ranges` [first, behind the last, written] of split tokens. */
  async split(text) {
    const document = this.readCharacters(this.language.tokenizer.clean(text));
    if (!document.characters.length) return [];
    const labels = chooseLabels(await this.findLogits(document), document.gaps);
    this.applyPieces(document, labels);
    this.joinAddresses(document, labels);
    return this.makeSentences(document, labels);
  }

  /** Take the white space out of a text: its characters, and the gap before each. */
  readCharacters(text) {
    const characters = [];
    const gaps = [];
    let gap = NO_GAP;
    for (const [, run] of this.language.tokenizer.runs(text)) {
      if (this.language.characters.isSpace(run)) {
        gap = run.split("\n").length > 2 ? PARAGRAPH : SPACE;
        continue;
      }
      for (const character of run) {
        gaps.push(characters.length ? gap : NO_GAP);
        characters.push(character);
        gap = NO_GAP;
      }
    }
    return { characters, gaps };
  }

  encode({ characters, gaps }) {
    const { num_gaps: numGaps, num_cases: numCases } = this.settings;
    const before = (i) => (i === 0 || i >= gaps.length ? PARAGRAPH : gaps[i]);
    return {
      character_ids: characters.map((character) => this.characterId(character)),
      context_ids: characters.map(
        (character, i) => 1 + (before(i) * numGaps + before(i + 1)) * numCases + Number(isUpper(character)),
      ),
    };
  }

  /** A letter that the vocabulary lacks is read as its base letter, or as the most frequent letter. */
  characterId(character) {
    const lowered = character.toLowerCase();
    const isDigit = this.language.characters.isDigit(character);
    const normal = isDigit ? "0" : [...lowered].length === 1 ? lowered : character;
    const forms = [normal, [...normal.normalize("NFKD")][0]];
    if (isAlpha(character)) forms.push(this.someLetter);
    return this.vocabulary.encode(forms).find((id) => id !== UNK_ID) ?? UNK_ID;
  }

  /** The logits of each character, window by window. */
  async findLogits(document) {
    const { window, overlap, num_neighbours: margin } = this.settings;
    const encoded = this.encode(document);
    const length = document.characters.length;
    const logits = [];
    for (let start = 0; start < length; start += window) {
      const from = Math.max(start - overlap, 0);
      const to = Math.min(start + window + overlap, length);
      const inputs = {};
      for (const [name, ids] of Object.entries(encoded)) {
        const row = Array.from({ length: to - from + 2 * margin }, (_, i) => ids[from - margin + i] ?? 0);
        inputs[name] = int32(row, [1, row.length]);
      }
      const { data } = Object.values(await this.network.run(inputs))[0];
      for (let i = start; i < Math.min(start + window, length); i += 1) {
        logits.push(data.subarray((i - from) * NUM_LABELS, (i - from + 1) * NUM_LABELS));
      }
    }
    return logits;
  }

  findPieces({ characters, gaps }) {
    const lowered = [...characters.join("").toLowerCase()];
    const fits = lowered.length === characters.length;
    const low = fits ? lowered : characters.map((character) => {
      const one = character.toLowerCase();
      return [...one].length === 1 ? one : character;
    });
    const starts = [0, ...gaps.flatMap((gap, i) => (gap !== NO_GAP ? [i] : []))];
    return starts.map((start, i) => [low.slice(start, starts[i + 1]), start]);
  }

  /** Relabel the known pieces of a text, but for their first character: it may begin a sentence. */
  applyPieces(document, labels) {
    for (const [piece, start] of this.findPieces(document)) {
      const known = this.pieces.get(piece.join(""));
      if (!known) continue;
      for (let i = 1; i < known.length; i += 1) labels[start + i] = known[i];
      if (labels[start] === EXPANDED || labels[start] === EXPANDED_SENTENCE) labels[start] -= EXPANDED - WORD;
    }
  }

  /** Make every web or e-mail address one word. */
  joinAddresses(document, labels) {
    for (const [characters, start] of this.findPieces(document)) {
      const piece = characters.join("");
      if (!/@|www\.|:\/\//.test(piece)) continue;
      for (const match of piece.matchAll(this.address)) {
        const from = [...piece.slice(0, match.index)].length;
        const to = from + [...match[0]].length;
        labels.fill(INSIDE, start + from + 1, start + to);
        labels[start + from] = Math.max(labels[start + from], WORD);
        if (to < characters.length) labels[start + to] = Math.max(labels[start + to], WORD);
      }
    }
  }

  /** Cut a text at its labels. */
  makeSentences({ characters, gaps }, labels) {
    const starts = labels.flatMap((label, i) => (label !== INSIDE ? [i] : []));
    const sentences = [];
    starts.forEach((start, i) => {
      const end = starts[i + 1] ?? characters.length;
      const isFirst = sentences.length === 0 || labels[start] >= SENTENCE;
      if (isFirst) sentences.push({ tokens: [], spaces: [], ranges: [] });
      const space = end < characters.length && gaps[end] !== NO_GAP;
      this.addWord(sentences.at(-1), characters.slice(start, end).join(""), labels[start], space);
    });
    return sentences;
  }

  addWord({ tokens, spaces, ranges }, form, label, space) {
    const expanded = this.expansions.get(form.toLowerCase());
    if ((label === EXPANDED || label === EXPANDED_SENTENCE) && expanded) {
      const words = inCaseOf(form, expanded);
      ranges.push([tokens.length, tokens.length + words.length, form]);
      tokens.push(...words);
      spaces.push(...new Array(words.length - 1).fill(false), space);
      return;
    }
    if (label === INNER_WORD && tokens.length) {
      const end = tokens.length;
      const [start, , before] = ranges.at(-1)?.[1] === end ? ranges.pop() : [end - 1, end, tokens.at(-1)];
      ranges.push([start, end + 1, before + form]);
    }
    tokens.push(form);
    spaces.push(space);
  }
}

/** The best label of each character that may stand there. */
function chooseLabels(logits, gaps) {
  return logits.map((row, i) => {
    if (i === 0 || gaps[i] === PARAGRAPH) return SENTENCE + largest(row.subarray(SENTENCE, EXPANDED_SENTENCE + 1));
    if (gaps[i] === NO_GAP) return largest(row);
    return largest(row.map((logit, label) => (label === INSIDE || label === INNER_WORD ? -Infinity : logit)));
  });
}

/** The labels of a piece that is written with a space before a word, and a tab before one within a token. */
function readPiece(written) {
  const labels = [];
  let label = WORD;
  for (const character of written) {
    if (character === " ") label = WORD;
    else if (character === "\t") label = INNER_WORD;
    else {
      labels.push(label);
      label = INSIDE;
    }
  }
  return labels;
}

/** The words of a token in capitals, or with a capital at the front, as it has them. */
function inCaseOf(form, words) {
  if ([...form].length > 1 && form === form.toUpperCase() && form !== form.toLowerCase()) {
    return words.map((word) => word.toUpperCase());
  }
  if (!isUpper(form)) return words;
  const [firstLetter, ...others] = [...words[0]];
  return [firstLetter.toUpperCase() + others.join(""), ...words.slice(1)];
}
