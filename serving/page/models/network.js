// A network as a function of named arrays, run by ONNX Runtime.

export const int32 = (numbers, dims) => ["int32", Int32Array.from(numbers), dims];
export const float32 = (numbers, dims) => ["float32", numbers, dims];

export class Network {
  constructor(ort, session) {
    this.ort = ort;
    this.session = session;
  }

  /** @param {Uint8Array} bytes an ONNX file */
  static async open(ort, bytes) {
    return new Network(ort, await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] }));
  }

  /**
   * @param {object} inputs by name `[type, numbers, dims]`; those that the network does not have are left aside
   * @returns {object} by name `{data, dims}`
   */
  async run(inputs) {
    const feeds = {};
    for (const name of this.session.inputNames) feeds[name] = new this.ort.Tensor(...inputs[name]);
    const answers = await this.session.run(feeds);
    return Object.fromEntries(Object.entries(answers).map(([name, { data, dims }]) => [name, { data, dims }]));
  }
}

/** The place of the largest number; the first of several. */
export function largest(numbers) {
  let place = 0;
  for (let i = 1; i < numbers.length; i += 1) if (numbers[i] > numbers[place]) place = i;
  return place;
}

/** Probabilities of logits. */
export function softmax(logits) {
  const top = logits[largest(logits)];
  const powers = Array.from(logits, (logit) => Math.exp(logit - top));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
