// Open a model of the page, whatever its task.

import { Language } from "../text/language.js";
import { Network } from "./network.js";
import { RatingModel } from "./rating.js";
import { Splitter } from "./splitting.js";
import { Tagger } from "./tagging.js";
import { LanguageModel } from "./writing.js";

const decode = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

/**
 * @param {object} ort ONNX Runtime
 * @param {object} entry of models.json
 * @param {object} rules rules.json
 * @param {(name: string) => Promise<Uint8Array>} read gives the content of a file of the page
 */
export async function openModel(ort, entry, rules, read) {
  const open = async (name) => Network.open(ort, await read(name));
  const settings = decode(await read(entry.settings));
  const tokenizer = decode(await read(entry.tokenizer));
  const language = new Language(rules, tokenizer, settings.language);
  const network = await open(entry.network);
  if (entry.task === "sentiment") return new RatingModel(network, language, settings);
  if (entry.task === "language_model") return new LanguageModel(network, language, settings);
  const splitter = entry.splitter ? new Splitter(await open(entry.splitter), language, settings.splitter) : null;
  return new Tagger(network, language, settings, splitter);
}
