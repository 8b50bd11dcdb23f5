// A network as a function of named arrays, run by ONNX Runtime.

export const int32 = (numbers, dims) => ["int32", Int32Array.from(numbers), dims];
export const float32 = (numbers, dims) => ["float32", numbers, dims];

const isOfUnits = (name) => name.startsWith("units.");

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
   * @param {boolean} withUnits whether the hidden states of the recurrent layers are wanted too, `units.NAME`
   * @returns {object} by name `{data, dims}`
   */
  async run(inputs, withUnits = false) {
    const feeds = {};
    for (const name of this.session.inputNames) feeds[name] = new this.ort.Tensor(...inputs[name]);
    const names = this.session.outputNames.filter((name) => withUnits || !isOfUnits(name));
    const answers = await this.session.run(feeds, names);
    return Object.fromEntries(Object.entries(answers).map(([name, { data, dims }]) => [name, { data, dims }]));
  }
}

/**
 * The hidden states of a text, by layer and direction `{units, values}`, the values (tokens, units) row by row.
 *
 * @param {object} answer of `run` with the states of the recurrent layers
 * @param {number[]} steps of the network, one for each token
 */
export function unitsOf(answer, steps) {
  const found = {};
  for (const [output, { data, dims: [, directions, , units] }] of Object.entries(answer)) {
    if (!isOfUnits(output)) continue;
    const name = output.slice("units.".length);
    for (let direction = 0; direction < directions; direction += 1) {
      const own = directions === 1 ? name : `${name}.${["forward", "backward"][direction]}`;
      const values = new Float32Array(steps.length * units);
      steps.forEach((step, i) => {
        const start = (step * directions + direction) * units;
        values.set(data.subarray(start, start + units), i * units);
      });
      found[own] = { units, values };
    }
  }
  return found;
}

/** The hidden states of pieces of a text, one after the other. */
export function joinUnits(pieces) {
  const found = {};
  for (const [name, { units }] of Object.entries(pieces[0] ?? {})) {
    const values = new Float32Array(pieces.reduce((sum, piece) => sum + piece[name].values.length, 0));
    let filled = 0;
    for (const piece of pieces) {
      values.set(piece[name].values, filled);
      filled += piece[name].values.length;
    }
    found[name] = { units, values };
  }
  return found;
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
