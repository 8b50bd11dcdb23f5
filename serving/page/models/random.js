// NumPy's random generator: PCG64 (O'Neill 2014) with the seeding of SeedSequence, so that a seed gives the same text
// here as in Python. Numbers of 128 bits are BigInts; the 32-bit arithmetic of the seeding is Math.imul.

const MASK_64 = (1n << 64n) - 1n;
const MASK_128 = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const POOL = 4;

/** The first words of the state that a seed, a whole number below 2^32, gives; SeedSequence.generate_state. */
export function seedWords(seed, count) {
  const mixed = mixer(0x43b0d7e5, 0x931e8875);
  const pool = [mixed(seed >>> 0), mixed(0), mixed(0), mixed(0)];
  for (let from = 0; from < POOL; from += 1) {
    for (let to = 0; to < POOL; to += 1) {
      if (from !== to) pool[to] = mix(pool[to], mixed(pool[from]));
    }
  }
  const given = mixer(0x8b51f9dd, 0x58f38ded);
  return Array.from({ length: count }, (_, i) => given(pool[i % POOL]));
}

function mixer(constant, multiplier) {
  return (value) => {
    const mixed = Math.imul(value ^ constant, (constant = Math.imul(constant, multiplier)));
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
}

function mix(x, y) {
  const result = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
  return (result ^ (result >>> 16)) >>> 0;
}

export class Random {
  /** @param {number} seed from 0 to 2^32 - 1, as for numpy.random.default_rng */
  constructor(seed) {
    const words = seedWords(seed, 8).map(BigInt);
    const word = (i) => words[2 * i] | (words[2 * i + 1] << 32n);
    this.increment = ((((word(2) << 64n) | word(3)) << 1n) | 1n) & MASK_128;
    this.state = (this.increment + ((word(0) << 64n) | word(1))) & MASK_128;
    this.step();
  }

  step() {
    this.state = (this.state * MULTIPLIER + this.increment) & MASK_128;
  }

  /** A number from 0 to below 1, of 53 random bits. */
  random() {
    this.step();
    const folded = (this.state >> 64n) ^ (this.state & MASK_64);
    const turns = this.state >> 122n;
    const bits = ((folded >> turns) | (folded << ((64n - turns) & 63n))) & MASK_64;
    return Number(bits >> 11n) / 2 ** 53;
  }
}
