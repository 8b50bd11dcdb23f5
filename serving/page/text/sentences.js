// Sentence ends by rules on marks, a port of common/text/sentences.py; its lists come in rules.json.

import { first, isAlpha, isLower, isPunctuation, isUpper, last, size, stripEndOf, stripStartOf } from "./characters.js";

const QUOTES_BEFORE = "\"'([«„“‘";
const MOST_BEFORE = 6; // tokens that a word before a full stop may be made of

export class SentenceRules {
  /**
   * @param {object} rules of rules.json
   * @param {Characters} characters
   * @param {string} language spaCy's code
   */
  constructor(rules, characters, language) {
    const words = (text) => (text ?? "").split(" ").filter((word) => word);
    this.characters = characters;
    this.language = language;
    this.always = new Set([...words(rules.always[""]), ...words(rules.always[language])]);
    this.keptWhole = new Set(words(rules.kept_whole[language]));
    for (const name of ["marks", "punct_chars", "may_end", "before_number", "opening", "quotes"]) {
      this[name] = new Set(rules[name]);
    }
    this.openingWithoutSpace = new Set(rules.opening_without_space);
    this.closing = rules.closing;
    this.hasOrdinals = rules.ordinals.includes(language);
    this.closedByPair = rules.closed_by_their_pair.includes(language);
    this.largestOrdinal = rules.months_and_such;
  }

  /** Split a document of `Tokenizer.document` into sentences, lists of its tokens without white space. */
  split(document) {
    const sentences = [];
    let sentence = [];
    let ended = false;
    const give = () => sentences.push(sentence);
    document.forEach((token, i) => {
      if (this.characters.isSpace(token.text)) {
        ended = sentence.length > 0 && (ended || token.text.split("\n").length > 2);
        if (ended) {
          const opening = this.takeOpening(sentence, i + 1 < document.length);
          if (sentence.length) give();
          sentence = opening;
          ended = false;
        }
        return;
      }
      const isMark = this.punct_chars.has(token.text);
      if (ended && !isMark && !isPunctuation(token.text)) {
        const opening = this.takeOpening(sentence, true);
        if (opening.length || !(this.quotes.has(sentence.at(-1).text) && isLower(first(token.text)))) {
          give();
          sentence = opening;
        }
        ended = false;
      }
      sentence.push(token);
      if (isMark) ended = token.text !== "." || !this.goesOn(document, i);
      else if (token.text.endsWith(".") && this.mayEnd(token.text.slice(0, -1))) {
        ended = isUpper(this.nextWord(document, i));
      }
    });
    if (sentence.length) give();
    return sentences;
  }

  /** Whether a text stops where a sentence ends, as far as what stands there tells. */
  endsSentence(text) {
    const body = stripEndOf(text, this.closing);
    if (!body || !this.marks.has(last(body))) return false;
    const before = body.slice(0, -last(body).length);
    const pieces = this.characters.split(before);
    if (last(body) !== "." || !pieces.length || this.characters.isSpace(last(before))) return true;
    const word = stripStartOf(pieces.at(-1), QUOTES_BEFORE);
    const low = word.toLowerCase();
    if (this.may_end.has(low)) return true;
    if (this.always.has(low) || this.keptWhole.has(low)) return false;
    if (this.isSmallOrdinal(word)) return false;
    return !(word.endsWith(".") || this.isInitial(word));
  }

  isSmallOrdinal(word) {
    return this.characters.isDigit(word) && this.hasOrdinals && Number(word.slice(0, 9)) <= this.largestOrdinal;
  }

  mayEnd(word) {
    return this.may_end.has(word.toLowerCase()) || (size(word) === 4 && this.characters.isDigit(word));
  }

  /** Take the marks that open a quotation or a bracket from the end of a sentence: they belong to the next one. */
  takeOpening(sentence, hasMore) {
    const opening = [];
    while (hasMore && sentence.length > 1 && this.opens(sentence)) opening.unshift(sentence.pop());
    return opening;
  }

  opens(sentence) {
    const [before, token] = sentence.slice(-2);
    if (this.opening.has(token.text)) {
      return before.space || this.openingWithoutSpace.has(token.text) || this.opening.has(before.text);
    }
    const isQuote = this.quotes.has(token.text);
    if (this.closedByPair && isQuote) return sentence.filter((other) => this.quotes.has(other.text)).length % 2 === 1;
    return isQuote && before.space && !token.space;
  }

  /** Whether a sentence goes on after the full stop at `place`. */
  goesOn(document, place) {
    if (place === 0 || document[place - 1].space) return false;
    const word = this.wordBefore(document, place);
    const following = this.nextWord(document, place);
    if (!following) return false;
    const low = word.toLowerCase();
    if (this.may_end.has(low)) return !isUpper(first(following));
    const beforeNumber = this.before_number.has(low) && this.characters.isDigit(first(following));
    if (this.always.has(low) || beforeNumber) return true;
    if (this.characters.isDigit(word)) return this.isSmallOrdinal(word) && isAlpha(first(following));
    return this.isInitial(word);
  }

  /** Whether a word is the initial of a name, or one of several letters: J., z. B. */
  isInitial(word) {
    const letter = word.split(".").at(-1);
    const isLetter = size(letter) === 1 && isAlpha(letter) && letter.toLowerCase() !== letter.toUpperCase();
    return isLetter && !(this.language === "en" && letter === "I");
  }

  wordBefore(document, place) {
    let start = place - 1;
    while (start > 0 && place - start < MOST_BEFORE && !document[start - 1].space
      && !this.characters.isSpace(document[start - 1].text)) start -= 1;
    const word = document.slice(start, place).map((token) => token.text).join("");
    return stripStartOf(word, QUOTES_BEFORE);
  }

  nextWord(document, place) {
    for (const token of document.slice(place + 1, place + 6)) {
      const isSpace = this.characters.isSpace(token.text);
      if (isSpace && token.text.split("\n").length > 2) return "";
      if (!isSpace && !isPunctuation(token.text)) return token.text;
    }
    return "";
  }
}
