// A panel of the page: a text to write in, examples, the answer, and what the model is not for. Answers come as one
// types; while one is worked out, only the last text waits.

import { element, fill, megabytes } from "./dom.js";

const PAUSE = 150; // milliseconds after the last key
const MOST_CHARACTERS = 20_000; // more take half a minute; the command reads files of any size

export class Panel {
  /**
   * @param {Engine} engine
   * @param {object[]} models those of the task, of data/models.json
   * @param {object} files sizes of data/models.json
   * @param {object} kind name, lead, label, placeholder, examples, verb, and `show(panel, answer, text)`
   */
  constructor(engine, models, files, kind) {
    Object.assign(this, { engine, models, files, kind });
    this.model = models[0];
    this.shown = null; // [model, text] of the answer that is shown
    this.running = false;
    this.later = null; // what goes on after an answer, and may be stopped
    this.build();
  }

  build() {
    const { name, label, placeholder, examples } = this.kind;
    this.input = element("textarea", {
      id: `${name}-text`, rows: 4, placeholder, spellcheck: "false", autocomplete: "off", input: () => this.wait(),
    });
    this.status = element("p.status", { role: "status" });
    this.bar = element("progress", { "aria-label": "loaded", max: 1, value: 0, hidden: true });
    this.result = element("div.result", { id: `${name}-result` });
    this.limits = element("section.limits", { "aria-labelledby": `${name}-limits` });
    const chips = examples.map(([short, text]) => element("button.chip", { type: "button", click: () => this.use(text) }, short));
    this.root = element(
      "section.panel", { id: `panel-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}`, tabindex: 0, hidden: true },
      element("p.lead", {}, this.kind.lead),
      element("div.field", {}, element("label", { for: `${name}-text` }, label), this.input),
      element("div.row", { role: "group", "aria-label": "Examples" }, element("span.quiet", {}, "Try:"), ...chips),
      this.picker(),
      this.kind.controls?.(this) ?? null,
      this.bar, this.status, this.result, this.limits,
    );
    this.showLimits();
  }

  picker() {
    if (this.models.length < 2) return null;
    const { name } = this.kind;
    const choose = ({ target }) => {
      this.model = this.models[target.selectedIndex];
      this.showLimits();
      this.run();
    };
    const options = this.models.map((model) => element("option", {}, `${this.kind.tasks.length > 1 ? model.id : model.name}: ${model.for} (${megabytes(this.size(model))})`));
    return element(
      "div.row", {}, element("label", { for: `${name}-model` }, "Model"),
      element("select", { id: `${name}-model`, change: choose }, ...options),
    );
  }

  size(model) {
    return [model.network, model.settings, model.splitter].reduce((sum, name) => sum + (name ? this.files[name][0] : 0), 0);
  }

  showLimits() {
    const { name, for: use, limits } = this.model;
    const id = `${this.kind.name}-limits`;
    fill(
      this.limits,
      element("h2", { id }, "What it is bad at"),
      element("p", {}, `The model ${name} (${megabytes(this.size(this.model))})${use ? ` is for ${use}` : ""}. From its card:`),
      element("ul", {}, ...(limits.length ? limits : ["Its card does not say."]).map((line) => element("li", {}, line))),
    );
  }

  use(text) {
    this.input.value = text;
    this.run();
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), PAUSE);
  }

  get text() {
    return this.input.value;
  }

  /** Whether an answer is still that to what stands in the field. */
  isShown(text) {
    return this.shown?.[0] === this.model && this.shown[1] === text && this.text === text;
  }

  /** Answer the text in the field, and again as long as it has changed meanwhile. */
  async run() {
    if (this.running) return;
    this.running = true;
    try {
      while (this.text.trim() && !this.isShown(this.text)) await this.answer();
      if (!this.text.trim()) this.clear();
      else this.say("");
    } catch (error) {
      this.shown = null;
      this.say(`No answer: ${error.message}`, true);
    }
    this.bar.hidden = true;
    this.running = false;
  }

  async answer() {
    const { text, model } = this;
    if (text.length > MOST_CHARACTERS) {
      const [most, found] = [MOST_CHARACTERS, text.length].map((number) => number.toLocaleString("en-US"));
      throw new Error(`the text has ${found} characters, and the page reads ${most} at most; the command rnn-language reads files`);
    }
    this.later?.stop();
    this.later = null;
    const answer = await this.ask(this.kind.verb, text).answer;
    this.shown = [model, text];
    this.bar.hidden = true;
    if (this.text === text || !this.result.hasChildNodes()) this.kind.show(this, answer, text);
  }

  clear() {
    this.later?.stop();
    this.shown = null;
    fill(this.result);
    this.say("");
  }

  /** Ask the model, and show how far its loading is. */
  ask(verb, text, options = {}, listeners = {}) {
    const onLoading = (loaded, total) => {
      this.bar.hidden = loaded >= total;
      this.bar.value = loaded / total;
      this.say(loaded < total ? `Loading the model: ${megabytes(loaded)} of ${megabytes(total)}` : "Starting the model");
    };
    return this.engine.ask({ model: this.model.id, verb, text, options }, { onLoading, ...listeners });
  }

  say(message, isError = false) {
    this.status.textContent = message;
    this.status.classList.toggle("error", isError);
  }
}

export const remark = (text) => (text ? element("p.remark", {}, text[0].toUpperCase() + text.slice(1), ".") : null);
