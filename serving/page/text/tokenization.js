// The rules of spaCy's tokenizer, a port of spacy/tokenizer.pyx: affixes are cut off a piece of text until a special
// case or nothing to cut is left, then infixes split the rest; special cases that hold affixes are found afterwards.

import { compile } from "./characters.js";

const MAX_PIECES = 1 << 16; // remembered

/** Replace what no tokenizer should see; clean_text of common/text/tokenization.py. */
export function cleanText(text) {
  return text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, " ").replace(/\p{Surrogate}/gu, "\ufffd");
}

export class Tokenizer {
  /**
   * @param {object} rules of tokenizer-….json
   * @param {object} patterns of rules.json
   * @param {Characters} characters
   */
  constructor(rules, patterns, characters) {
    this.characters = characters;
    this.longRun = compile(patterns.LONG_RUN, "g");
    this.known = new Map();
    if (rules.characters) {
      this.byCharacters = compile(rules.characters, "g");
      return;
    }
    for (const name of ["prefix", "suffix", "token_match", "url_match"]) {
      this[name] = rules[name] ? compile(rules[name]) : null;
    }
    this.infix = rules.infix ? compile(rules.infix, "g") : null;
    this.specials = new Map(Object.entries(rules.specials));
    this.matched = new Map(); // special cases that hold affixes: first token -> [tokens, special case]
    this.longest = 0;
    for (const special of this.specials.keys()) {
      if (special.includes(" ") || this.affixLength("prefix", special) || this.affixLength("suffix", special)
        || this.infixes(special).length) this.addMatched(special);
    }
  }

  addMatched(special) {
    const tokens = this.affixTokens(special, false).map((token) => token.text);
    if (!this.matched.has(tokens[0])) this.matched.set(tokens[0], []);
    this.matched.get(tokens[0]).push(tokens);
  }

  /** Clean a text and cut its longest runs. */
  clean(text) {
    return cleanText(text).replace(this.longRun, "$& ");
  }

  /** Where runs without white space are too long: edits of a normalized text. */
  longRuns(text) {
    return [...text.matchAll(this.longRun)].map((match) => {
      const end = match.index + match[0].length;
      return [end, end, " "];
    });
  }

  /** Split one text into tokens; white space is not a token. */
  tokenize(text) {
    return this.characters.split(this.clean(text)).flatMap((piece) => this.splitPiece(piece));
  }

  splitPiece(piece) {
    let tokens = this.known.get(piece);
    if (!tokens) {
      tokens = this.document(piece).map((token) => token.text);
      if (this.known.size >= MAX_PIECES) this.known.clear();
      this.known.set(piece, tokens);
    }
    return tokens;
  }

  /** The tokens of a text as spaCy has them: `text`, `start`, and whether a `space` follows; runs of white space too. */
  document(text) {
    if (this.byCharacters) return this.characterTokens(text);
    return this.applyMatched(this.affixTokens(text, true));
  }

  characterTokens(text) {
    const tokens = [];
    for (const match of text.matchAll(this.byCharacters)) {
      const before = tokens.at(-1);
      const end = before ? before.start + before.text.length : 0;
      let gap = text.slice(end, match.index);
      if (gap && before) {
        before.space = gap[0] === " ";
        if (before.space) gap = gap.slice(1);
      }
      if (gap) tokens.push({ text: gap, start: match.index - gap.length, space: false });
      tokens.push({ text: match[0], start: match.index, space: false });
    }
    return tokens;
  }

  /** Like str.split, but not quite: white space other than a single space between two words is a token of its own. */
  affixTokens(text, withSpecials) {
    const tokens = [];
    for (let [start, span] of this.runs(text)) {
      if (this.characters.isSpace(span)) {
        if (span[0] === " " && tokens.length) {
          tokens.at(-1).space = true;
          span = span.slice(1);
          start += 1;
        }
        if (span) this.push(tokens, [span], start);
      } else {
        this.push(tokens, this.splitSpan(span, withSpecials), start);
      }
    }
    return tokens;
  }

  runs(text) {
    const runs = [];
    let start = 0;
    while (start < text.length) {
      const rest = text.slice(start);
      const gap = this.characters.spaces.exec(rest);
      if (!gap) {
        runs.push([start, rest]);
        break;
      }
      if (gap.index) runs.push([start, rest.slice(0, gap.index)]);
      runs.push([start + gap.index, gap[0]]);
      start += gap.index + gap[0].length;
    }
    return runs;
  }

  push(tokens, texts, start) {
    for (const text of texts) {
      tokens.push({ text, start, space: false });
      start += text.length;
    }
  }

  splitSpan(span, withSpecials) {
    if (withSpecials && this.specials.has(span)) return this.specials.get(span);
    const [middle, prefixes, suffixes] = this.splitAffixes(span, withSpecials);
    return [...prefixes, ...(middle ? this.splitMiddle(middle, withSpecials) : []), ...suffixes.reverse()];
  }

  affixLength(name, text) {
    const match = this[name]?.exec(text);
    return match ? match[0].length : 0;
  }

  infixes(text) {
    return this.infix ? [...text.matchAll(this.infix)] : [];
  }

  splitAffixes(text, withSpecials) {
    const prefixes = [];
    const suffixes = [];
    const isSpecial = (part) => withSpecials && part !== "" && this.specials.has(part);
    let before = null;
    while (text && text !== before) {
      if (this.token_match?.test(text) || isSpecial(text)) break;
      before = text;
      const start = this.affixLength("prefix", text);
      if (start && isSpecial(text.slice(start))) {
        prefixes.push(text.slice(0, start));
        text = text.slice(start);
        break;
      }
      const end = this.affixLength("suffix", text.slice(start));
      if (end && isSpecial(text.slice(0, -end))) {
        suffixes.push(text.slice(-end));
        text = text.slice(0, -end);
        break;
      }
      if (start) prefixes.push(text.slice(0, start));
      if (end) suffixes.push(text.slice(-end));
      text = text.slice(start, text.length - end);
    }
    return [text, prefixes, suffixes];
  }

  splitMiddle(text, withSpecials) {
    if (withSpecials && this.specials.has(text)) return this.specials.get(text);
    if (this.token_match?.test(text) || this.url_match?.test(text)) return [text];
    const tokens = [];
    let start = 0;
    for (const match of this.infixes(text)) {
      if (match.index === 0) continue;
      if (match.index !== start) tokens.push(text.slice(start, match.index));
      if (match[0]) tokens.push(match[0]);
      start = match.index + match[0].length;
    }
    if (start < text.length) tokens.push(text.slice(start));
    return tokens;
  }

  /** Put the special cases in place that affixes have torn apart: the longest first, and the leftmost. */
  applyMatched(tokens) {
    const found = [];
    tokens.forEach((token, start) => {
      for (const pattern of this.matched.get(token.text) ?? []) {
        if (pattern.every((text, i) => tokens[start + i]?.text === text)) found.push([start, start + pattern.length]);
      }
    });
    if (!found.length) return tokens;
    found.sort((a, b) => b[1] - b[0] - (a[1] - a[0]) || a[0] - b[0]);
    const seen = new Set();
    const chosen = new Map();
    for (const [start, end] of found) {
      if (!seen.has(start) && !seen.has(end - 1)) chosen.set(start, end);
      for (let i = start; i < end; i += 1) seen.add(i);
    }
    return this.replaceMatched(tokens, chosen);
  }

  replaceMatched(tokens, chosen) {
    const result = [];
    for (let i = 0; i < tokens.length; ) {
      const end = chosen.get(i) ?? i + 1;
      const span = tokens.slice(i, end);
      const text = span.map((token, j) => token.text + (token.space && j < span.length - 1 ? " " : "")).join("");
      if (chosen.has(i) && this.specials.has(text)) {
        this.push(result, this.specials.get(text), tokens[i].start);
        result.at(-1).space = span.at(-1).space;
      } else {
        result.push(...span);
      }
      i = end;
    }
    return result;
  }
}
