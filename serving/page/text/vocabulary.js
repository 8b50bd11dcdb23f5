// Tokens to ids and back, a port of common/text/vocabulary.py.

export const [PAD_ID, UNK_ID, BOS_ID, EOS_ID] = [0, 1, 2, 3];
export const SPECIAL_TOKENS = ["<pad>", "<unk>", "<bos>", "<eos>"];

export class Vocabulary {
  /** @param {{tokens: string[], lowercase: boolean}} content of its file in the bundle */
  constructor({ tokens, lowercase }) {
    this.tokens = [...SPECIAL_TOKENS, ...tokens];
    this.lowercase = lowercase;
    this.ids = new Map(tokens.map((token, i) => [token, i + SPECIAL_TOKENS.length]));
  }

  get size() {
    return this.tokens.length;
  }

  id(token) {
    return this.ids.get(this.lowercase ? token.toLowerCase() : token) ?? UNK_ID;
  }

  has(token) {
    return this.id(token) !== UNK_ID;
  }

  encode(tokens) {
    return tokens.map((token) => this.id(token));
  }
}
