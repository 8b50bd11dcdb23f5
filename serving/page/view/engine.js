// The models, in a worker of their own, so that typing never waits for them.

export class Engine {
  constructor() {
    // A worker of a blob is under the Content-Security-Policy of the page; one of a file would be under none.
    const script = `import ${JSON.stringify(new URL("../worker.js", import.meta.url).href)};`;
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.worker = new Worker(url, { type: "module" });
    this.worker.addEventListener("message", ({ data }) => this.receive(data));
    this.worker.addEventListener("error", () => this.fail("the scripts of the page could not be loaded; reload it"));
    this.asked = new Map();
    this.number = 0;
  }

  /**
   * Ask a model.
   *
   * @param {object} question `model`, `verb`, `text`, `options`
   * @param {object} listeners `onLoading(loaded, total)`, `onProgress(share)`, `onPiece(text)`
   * @returns {{answer: Promise, stop: () => void}} an answer that was stopped is null
   */
  ask(question, listeners = {}) {
    const number = (this.number += 1);
    const answer = new Promise((resolve, reject) => this.asked.set(number, { resolve, reject, ...listeners }));
    this.worker.postMessage({ number, ...question });
    return { answer, stop: () => this.worker.postMessage({ number, stop: true }) };
  }

  receive({ number, kind, value }) {
    const asked = this.asked.get(number);
    if (!asked) return;
    if (kind === "loading") asked.onLoading?.(...value);
    else if (kind === "progress") asked.onProgress?.(value);
    else if (kind === "piece") asked.onPiece?.(value);
    else {
      this.asked.delete(number);
      if (kind === "error") asked.reject(new Error(value));
      else asked.resolve(value);
    }
  }

  fail(message) {
    for (const { reject } of this.asked.values()) reject(new Error(message));
    this.asked.clear();
  }
}
