// Text normalization, a port of common/text/normalization.py: what is read of a text is the same however it was typed.
// Places are units of UTF-16 here and characters there; both tell the same parts of the text.

import { compile, isAscii } from "./characters.js";

/** A normalized text, and which part of the original each unit of it stands for; null: the text was normal. */
export class Normalized {
  constructor(text, original, starts = null, ends = null) {
    Object.assign(this, { text, original, starts, ends });
  }

  /** Where the part of the original begins and ends that `text.slice(start, end)` stands for. */
  place(start, end) {
    if (!this.starts) return [start, end];
    if (start >= end) {
      const place = start < this.starts.length ? this.starts[start] : this.original.length;
      return [place, place];
    }
    return [this.starts[start], this.ends[end - 1]];
  }

  written(start, end) {
    return this.original.slice(...this.place(start, end));
  }

  /** Tokens of the text, in their order, as they were written. */
  writtenTokens(tokens) {
    if (!this.starts) return [...tokens];
    let end = 0;
    return tokens.map((token) => {
      const start = this.text.indexOf(token, end);
      if (start < 0) return token;
      end = start + token.length;
      return this.written(start, end) || token;
    });
  }

  /** Apply edits `[start, end, replacement]`, and carry on where the characters come from. */
  follow(edits) {
    const size = this.text.length;
    const oldStart = (i) => (this.starts ? this.starts[i] : i);
    const oldEnd = (i) => (this.ends ? this.ends[i] : i + 1);
    const starts = [];
    const ends = [];
    const keep = (from, to) => {
      for (let i = from; i < to; i += 1) {
        starts.push(oldStart(i));
        ends.push(oldEnd(i));
      }
    };
    let end = 0;
    for (const [start, after, replacement] of edits) {
      keep(end, start);
      // Of several characters the first stands for all that was there.
      for (let i = 0; i < replacement.length; i += 1) {
        starts.push(i ? oldEnd(after - 1) : oldStart(start));
        ends.push(oldEnd(after - 1));
      }
      end = after;
    }
    keep(end, size);
    return new Normalized(applyEdits(this.text, edits), this.original, starts, ends);
  }
}

function applyEdits(text, edits) {
  const parts = [];
  let end = 0;
  for (const [start, after, replacement] of edits) {
    parts.push(text.slice(end, start), replacement);
    end = after;
  }
  return parts.join("") + text.slice(end);
}

const isNormal = (text) => isAscii(text) && !/[&<\\]/.test(text);

export class Normalizer {
  /**
   * @param {object} rules rules.json
   * @param {Characters} characters
   */
  constructor(rules, characters) {
    this.rules = rules;
    this.characters = characters;
    this.patterns = {};
    for (const [name, pattern] of Object.entries(rules.patterns)) this.patterns[name] = compile(pattern, "g");
    this.finders = {
      html: [this.entities, this.tags],
      escapes: [this.escapes],
      unicode: [this.composed, this.compatible],
      invisible: [this.invisible],
      spaces: [this.spaces],
      typography: [this.typography],
    };
  }

  /** Normalize a text with some steps, names with commas between, and keep where each character comes from. */
  normalize(text, steps) {
    let result = new Normalized(text, text);
    if (isNormal(text)) return result;
    const chosen = steps.split(",");
    for (const [name, finders] of Object.entries(this.finders)) {
      if (!chosen.includes(name)) continue;
      for (const find of finders) {
        const edits = find.call(this, result.text);
        if (edits.length) result = result.follow(edits);
      }
    }
    return result;
  }

  /** Normalize a word of a sentence that is split already. */
  normalizeWord(word, steps) {
    if (isNormal(word)) return word;
    return this.characters.split(this.normalize(word, steps).text).join("") || word;
  }

  all(name, text) {
    return [...text.matchAll(this.patterns[name])];
  }

  has(name, text) {
    return text.search(this.patterns[name]) >= 0;
  }

  /** Whether a pattern matches at the beginning; re.match of Python. */
  starts(name, text) {
    const pattern = this.patterns[name];
    pattern.lastIndex = 0;
    const match = pattern.exec(text);
    pattern.lastIndex = 0;
    return match !== null && match.index === 0;
  }

  // -- HTML

  entities(text) {
    if (!text.includes("&")) return [];
    return this.all("ENTITY", text).flatMap((match) => {
      const decoded = this.decodeEntity(match.groups);
      return decoded === undefined ? [] : [[...span(match), decoded]];
    });
  }

  decodeEntity({ number, name, bare }) {
    if (!number) {
      const key = name || bare;
      return Object.hasOwn(this.rules.entities, key) ? this.rules.entities[key] : undefined;
    }
    const code = /^#[xX]/.test(number) ? parseInt(number.slice(2), 16) : parseInt(digits(number.slice(1)), 10);
    if (Object.hasOwn(this.rules.odd_references, code)) return this.rules.odd_references[code];
    return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? "\ufffd" : String.fromCodePoint(code);
  }

  tags(text) {
    if (!text.includes("<")) return [];
    const closings = {};
    for (const match of this.all("CLOSING", text)) closings[match[1].toLowerCase()] = match.index;
    return this.all("TAG", text).flatMap((match) => {
      if (this.isComparison(match, closings)) return [];
      const { line, space } = match.groups;
      return [[...span(match), line ? "\n" : space ? " " : ""]];
    });
  }

  /** Whether what looks like a tag of one letter is none: a<b and b>c. */
  isComparison(match, closings) {
    const { inline, close, more } = match.groups;
    if (!inline || inline.length > 1 || close || (more ?? "").includes("=")) return false;
    const rest = (more ?? "").replace(/^[ /]+|[ /]+$/g, "");
    return rest !== "" || (closings[inline.toLowerCase()] ?? -1) < match.index + match[0].length;
  }

  // -- Backslash escapes

  escapes(text) {
    if (!text.includes("\\")) return [];
    const hasLines = this.characters.strip(text).includes("\n");
    const edits = [];
    const escape = this.patterns.ESCAPE;
    for (const run of this.all("RUN", text)) {
      if (!run[0].includes("\\") || this.isPath(run[0])) continue;
      const breaks = !hasLines && !this.isCode(run[0]);
      const end = run.index + run[0].length;
      const head = text.slice(0, end); // Python looks no further than the end of the run either
      escape.lastIndex = run.index;
      for (let match = escape.exec(head); match; match = escape.exec(head)) {
        const replacement = this.unescape(match, breaks, head);
        if (replacement !== null) edits.push([...span(match), replacement]);
      }
    }
    return edits;
  }

  isPath(run) {
    if (this.starts("DRIVE", run) || this.starts("SHARE", run) || this.has("FILE", run)) return true;
    return /\\[A-Za-z_]/.test(run.replace(this.patterns.ESCAPE, " "));
  }

  isCode(run) {
    return this.has("CALL", run) || this.has("LATEX", run) || this.all("BETWEEN_SMALL", run).length > 1;
  }

  unescape(match, breaks, text) {
    const { line, tab, mark, high, low, byte, code } = match.groups;
    if (line || tab) {
      if (!breaks) return null;
      if (tab && this.all("BETWEEN_SMALL", text).some((other) => other.index === match.index)) return null;
      return line ? "\n" : "\t";
    }
    if (mark) return mark;
    if (high) return String.fromCharCode(parseInt(high, 16), parseInt(low, 16));
    return String.fromCharCode(parseInt(byte || code, 16));
  }

  // -- Characters

  composed(text) {
    if (isAscii(text) || text.normalize("NFC") === text) return [];
    return this.all("RUN", text).flatMap((word) =>
      word[0].normalize("NFC") === word[0] ? [] : this.composeWord(word[0], word.index),
    );
  }

  /** Compose letters with the marks that follow them, each by itself if that is all there is to do. */
  composeWord(word, place) {
    const clusters = [];
    let start = 0;
    for (const character of word) {
      if (clusters.length && this.characters.isCombining(character)) clusters[clusters.length - 1][1] += character;
      else clusters.push([start, character]);
      start += character.length;
    }
    const whole = word.normalize("NFC");
    if (clusters.map(([, cluster]) => cluster.normalize("NFC")).join("") !== whole) {
      return [[place, place + word.length, whole]];
    }
    return clusters.flatMap(([from, cluster]) => {
      const composed = cluster.normalize("NFC");
      return composed === cluster ? [] : [[place + from, place + from + cluster.length, composed]];
    });
  }

  compatible(text) {
    if (isAscii(text)) return [];
    const replace = (name) => this.all(name, text).map((match) => [...span(match), match[0].normalize("NFKC")]);
    const edits = replace("COMPATIBLE");
    if (!this.has("FULL_WIDTH", text) || this.has("EAST_ASIAN", text)) return edits;
    return [...edits, ...replace("FULL_WIDTH")].sort((a, b) => a[0] - b[0]);
  }

  invisible(text) {
    if (isAscii(text)) return [];
    const breaks = [...text.matchAll(/\u200b+/gu)];
    if (text.split("\u200b").length > 2 && this.characters.split(text).length === 1) {
      return breaks.map((match) => [...span(match), " "]);
    }
    const places = new Set(
      ["WORD_BREAK", "AFTER_MARK"].flatMap((name) => this.all(name, text).map((match) => String(span(match)))),
    );
    return this.all("INVISIBLE", text).map((match) => [...span(match), places.has(String(span(match))) ? " " : ""]);
  }

  spaces(text) {
    if (isAscii(text)) return [];
    return this.all("SPACES", text).map((match) => [...span(match), /[\u2028\u2029]/.test(match[0]) ? "\n" : " "]);
  }

  typography(text) {
    if (isAscii(text)) return [];
    return this.all("TYPOGRAPHY", text).map((match) => [...span(match), this.rules.as_typed[match[0]]]);
  }
}

const span = (match) => [match.index, match.index + match[0].length];

/** Digits of other scripts as those of ours. */
function digits(text) {
  return text.replace(/\p{Nd}/gu, (digit) => {
    let zero = digit.codePointAt(0);
    while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1)) && digit.codePointAt(0) - zero < 9) zero -= 1;
    return String(digit.codePointAt(0) - zero);
  });
}
