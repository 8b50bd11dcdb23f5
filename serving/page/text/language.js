// All that is done to a text of a language before a network reads it.

import { Characters } from "./characters.js";
import { Normalizer } from "./normalization.js";
import { Remarks } from "./remarks.js";
import { SentenceRules } from "./sentences.js";
import { Tokenizer } from "./tokenization.js";

export class Language {
  /**
   * @param {object} rules rules.json
   * @param {object} tokenizer tokenizer-….json
   * @param {string} code spaCy's
   */
  constructor(rules, tokenizer, code) {
    this.rules = rules;
    this.code = code;
    this.characters = new Characters(rules.classes);
    this.normalizer = new Normalizer(rules, this.characters);
    this.tokenizer = new Tokenizer(tokenizer, rules.patterns, this.characters);
    this.sentences = new SentenceRules({ ...rules.sentences, punct_chars: tokenizer.punct_chars }, this.characters, code);
    this.remarks = new Remarks(rules.remarks, code);
  }

  /** Normalize a text, and cut runs that are too long, so that the places of tokens are those of the result. */
  normalizeAndCut(text, steps) {
    const normalized = this.normalizer.normalize(text, steps);
    const cuts = this.tokenizer.longRuns(normalized.text);
    return cuts.length ? normalized.follow(cuts) : normalized;
  }

  /** The sentences of a text, lists of tokens; split_sentences of common/text/tokenization.py. */
  splitSentences(text) {
    return this.sentences.split(this.tokenizer.document(this.tokenizer.clean(text)));
  }
}
