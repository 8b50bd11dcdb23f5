// Remarks on texts that a model can make little of, a port of common/text/remarks.py; its lists come in rules.json.

import { first, isAlpha } from "./characters.js";

const count = (number) => number.toLocaleString("en-US");

export class Remarks {
  /**
   * @param {object} rules of rules.json
   * @param {string} language of the model
   */
  constructor(rules, language) {
    this.rules = rules;
    this.language = language;
    this.sets = Object.entries(rules.function_words).map(([code, words]) => [code, new Set(words.split(" "))]);
  }

  /** What is to be said of tokens, as they are looked up; null: nothing. */
  on(tokens, knows) {
    const { min_words: least, suspicious, many_unknown: many } = this.rules;
    const inLetters = tokens.filter((token) => isAlpha(first(token)));
    const words = inLetters.length ? inLetters : tokens;
    if (!words.length) return null;
    const unknown = words.filter((word) => !knows(word)).length;
    if (unknown === words.length) {
      return `the model knows none of its words${this.inAnother(words)}; the answer is a guess`;
    }
    if (words.length < least || unknown < suspicious * words.length) return null;
    const other = this.inAnother(words);
    if (!other && unknown < many * words.length) return null;
    return `the model does not know ${count(unknown)} of its ${count(words.length)} words${other}; the answer means little`;
  }

  inAnother(words) {
    const other = this.otherLanguage(words);
    const name = (code) => this.rules.names[code] ?? code;
    return other ? `, which look like ${name(other)}, not ${name(this.language)}` : "";
  }

  otherLanguage(words) {
    const { language } = this;
    if (language === "xx" || !words.length) return null;
    const script = this.scriptOf(words);
    if (script) return language === script[2] || script[3].includes(language) ? null : script[2];
    if (words.length < this.rules.min_words) return null;
    const ofAnother = this.rules.scripts.some(([, , code, more]) => language === code || more.includes(language));
    return this.byFunctionWords(words, ofAnother ? "" : language);
  }

  /** The script that most letters are of; null: Latin letters, or none in particular. */
  scriptOf(words) {
    const { scripts } = this.rules;
    const counts = new Map();
    let letters = 0;
    let total = 0;
    for (const character of words.slice(0, 2000).join("")) {
      if (!isAlpha(character)) continue;
      letters += 1;
      const code = character.codePointAt(0);
      scripts.forEach(([low, high], place) => {
        if (low > code || code > high) return;
        counts.set(place, (counts.get(place) ?? 0) + 1);
        total += 1;
      });
    }
    if (!total || 2 * total < letters) return null;
    const kana = scripts.findIndex(([, , code]) => code === "ja");
    if ((counts.get(kana) ?? 0) * 5 > total) return scripts[kana];
    const [place] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best));
    return scripts[place];
  }

  byFunctionWords(words, language) {
    const lowered = words.map((word) => word.toLowerCase());
    const shares = this.sets.map(([code, known]) => [
      code, lowered.filter((word) => known.has(word)).length / lowered.length,
    ]);
    const [best, share] = shares.reduce((top, entry) => (entry[1] > top[1] ? entry : top));
    const own = shares.find(([code]) => code === language);
    const least = (own ? 1 : 1.5) * this.rules.min_function_words;
    return share >= least && (own?.[1] ?? 0) < share / 2 ? best : null;
  }
}
