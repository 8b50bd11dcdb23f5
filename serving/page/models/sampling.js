// Sampling of the next token, a port of language_model/sampling.py: temperature, top-k, nucleus and min-p sampling.

import { BOS_ID, PAD_ID, UNK_ID } from "../text/vocabulary.js";
import { largest } from "./network.js";

const NEVER_WRITTEN = [PAD_ID, BOS_ID, UNK_ID];
const SMALLEST = 2 ** -126;
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/**
 * @param {Float32Array} logits
 * @param {Random} rng
 * @returns {number} the id of a token
 */
export function sampleToken(logits, rng, { temperature = 1, topK = 0, topP = 1, minP = 0 } = {}) {
  const weights = Float32Array.from(logits);
  for (const id of NEVER_WRITTEN) weights[id] = -Infinity;
  const best = largest(weights);
  if (temperature === 0) return best;
  const top = weights[best];
  const divisor = Math.fround(Math.min(Math.max(temperature, SMALLEST), LARGEST));
  for (let i = 0; i < weights.length; i += 1) weights[i] = Math.exp(Math.fround(Math.fround(weights[i] - top) / divisor));
  if (minP) keep(weights, minP);
  if (topK || topP < 1) keep(weights, smallestKept(weights, topK || weights.length, topP));
  return drawColumn(weights, rng);
}

function keep(weights, least) {
  for (let i = 0; i < weights.length; i += 1) if (weights[i] < least) weights[i] = 0;
}

/** The smallest weight among the `topK` largest, or among those of them that sum to the share `topP`. */
function smallestKept(weights, topK, topP) {
  const sorted = Float32Array.from(weights).sort().reverse().subarray(0, topK);
  if (topP === 1) return sorted[sorted.length - 1];
  const wanted = topP * weights.reduce((sum, weight) => sum + weight, 0);
  let held = 0;
  let place = -1;
  do {
    place += 1;
    held += sorted[place];
  } while (held < wanted && place < sorted.length - 1);
  return sorted[place];
}

/** Sample a place in proportion to the weights: first among sums of blocks, then within a block, as in Python. */
export function drawColumn(weights, rng) {
  const width = Math.floor(Math.sqrt(weights.length));
  const sums = [];
  for (let start = 0; start < weights.length; start += width) {
    sums.push(weights.subarray(start, start + width).reduce((sum, weight) => Math.fround(sum + weight), 0));
  }
  const passed = runningSums(sums);
  const aim = rng.random() * passed.at(-1);
  const block = firstAbove(passed, aim);
  const within = runningSums(weights.subarray(block * width, (block + 1) * width));
  return block * width + firstAbove(within, aim - passed[block] + sums[block]);
}

function runningSums(values) {
  let sum = 0;
  return Array.from(values, (value) => (sum += value));
}

/** The first place whose running sum is above the aim, which rounding may have put past the end. */
function firstAbove(sums, aim) {
  const place = sums.findIndex((sum) => sum > aim);
  return place >= 0 ? place : sums.findIndex((sum) => sum === sums.at(-1));
}
