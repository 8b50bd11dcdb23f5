// Characters as Python sees them: white space, letters, digits, combining marks. The classes that JavaScript lacks, and
// all patterns, come from rules.json, which serving.page_rules makes from the Python modules themselves.

/** A pattern of rules.json, `[source, flags]`, as a regular expression. */
export function compile([source, flags], more = "") {
  return new RegExp(source, "u" + flags + more);
}

export class Characters {
  /** @param {object} classes of rules.json: the insides of brackets, by name */
  constructor(classes) {
    this.spaces = new RegExp(`[${classes.space}]+`, "u");
    this.allSpace = new RegExp(`^[${classes.space}]+$`, "u");
    this.allDigits = new RegExp(`^[${classes.digit}]+$`, "u");
    this.combiningMark = new RegExp(`[${classes.combining}]`, "u");
    this.outer = new RegExp(`^[${classes.space}]+|[${classes.space}]+$`, "gu");
    this.trailing = new RegExp(`[${classes.space}]+$`, "u");
  }

  /** What stands between white space; str.split() of Python. */
  split(text) {
    return text.split(this.spaces).filter((piece) => piece);
  }

  strip(text) {
    return text.replace(this.outer, "");
  }

  stripEnd(text) {
    return text.replace(this.trailing, "");
  }

  isSpace(text) {
    return this.allSpace.test(text);
  }

  isDigit(text) {
    return this.allDigits.test(text);
  }

  isCombining(character) {
    return this.combiningMark.test(character);
  }
}

export const isAscii = (text) => /^[\0-\x7f]*$/.test(text);
export const isAlpha = (text) => /^\p{L}+$/u.test(text);
export const isAlphanumeric = (text) => /^[\p{L}\p{N}]+$/u.test(text);
export const isLower = (character) => /^\p{Lowercase}/u.test(character);
export const isUpper = (character) => /^\p{Uppercase}/u.test(character);
export const isPunctuation = (text) => /^\p{P}*$/u.test(text);

/** The first character, which may be two units of UTF-16. */
export const first = (text) => (text ? String.fromCodePoint(text.codePointAt(0)) : "");

/** The last character. */
export const last = (text) => {
  const unit = text.charCodeAt(text.length - 1);
  return text.slice(unit >= 0xdc00 && unit <= 0xdfff ? -2 : -1);
};

/** The number of characters, not of units of UTF-16. */
export const size = (text) => [...text].length;

/** Remove characters of a set from the end; str.rstrip(characters). */
export function stripEndOf(text, characters) {
  const kept = [...text];
  while (kept.length && characters.includes(kept[kept.length - 1])) kept.pop();
  return kept.join("");
}

/** Remove characters of a set from the beginning; str.lstrip(characters). */
export function stripStartOf(text, characters) {
  const kept = [...text];
  let start = 0;
  while (start < kept.length && characters.includes(kept[start])) start += 1;
  return kept.slice(start).join("");
}
