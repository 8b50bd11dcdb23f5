// Detokenization, a port of language_model/joining.py: spaces, quotation marks and capitals as a person would write them.

import { first, isAlphanumeric, last } from "../text/characters.js";

// Which quotation a mark belongs to; all but the curly ones open it and close it.
const QUOTATIONS = { '"': '"', "``": '"', "''": '"', "“": "“", "”": "“", "'": "'", "‘": "‘", "’": "‘" };
const OPENING = ["“", "‘", "``"];
const CLOSING = ["”", "''"];
const BRACKETS = { "(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1 };
const SENTENCE_ENDS = [".", "!", "?"];

const whole = ([source, flags]) => new RegExp(`^(?:${source})$`, `u${flags}`);
const endsInWord = (text) => text !== "" && isAlphanumeric(last(text));

export class WordJoiner {
  /**
   * @param {object} patterns of rules.json
   * @param {boolean} capitalise give sentences and the word "I" their capitals
   */
  constructor(patterns, capitalise) {
    this.noSpaceBefore = whole(patterns.NO_SPACE_BEFORE);
    this.noSpaceAfter = whole(patterns.NO_SPACE_AFTER);
    this.capitalise = capitalise;
    this.open = new Set();
    this.brackets = 0;
    this.before = "";
    this.glue = true;
    this.sentenceBegins = true;
  }

  /** Whether a quotation or a bracket is open. */
  get isInside() {
    return this.open.size > 0 || this.brackets > 0;
  }

  /** The next word, with the space before it that it needs. */
  add(token) {
    this.brackets = Math.max(0, this.brackets + (BRACKETS[token] ?? 0));
    const apostrophe = token === "'" || token === "’";
    if (Object.hasOwn(QUOTATIONS, token) && !(apostrophe && this.isApostrophe(token))) return this.addQuotationMark(token);
    const joinsWords = token === "-" && endsInWord(this.before);
    const attached = this.glue || joinsWords || apostrophe || this.noSpaceBefore.test(token);
    this.glue = joinsWords || this.noSpaceAfter.test(token);
    this.before = token;
    if (this.capitalise && (token === "i" || this.sentenceBegins)) {
      token = first(token).toUpperCase() + token.slice(first(token).length);
    }
    this.sentenceBegins = SENTENCE_ENDS.includes(token) || (this.sentenceBegins && !endsInWord(token));
    return attached ? token : ` ${token}`;
  }

  isApostrophe(token) {
    const isOpen = this.open.has(QUOTATIONS[token]);
    return endsInWord(this.before) && (isOpen || token === "’" || this.before.endsWith("s"));
  }

  addQuotationMark(token) {
    const quotation = QUOTATIONS[token];
    const closing = CLOSING.includes(token) || (!OPENING.includes(token) && (this.open.has(quotation) || token === "’"));
    if (closing) this.open.delete(quotation);
    else this.open.add(quotation);
    const piece = closing || this.glue ? token : ` ${token}`;
    if (closing && (this.before === "!" || this.before === "?")) this.sentenceBegins = false;
    this.glue = !closing;
    this.before = token;
    return piece;
  }
}
