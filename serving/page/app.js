// The page: a tab for each thing that its models can do.

import { element, fill } from "./view/dom.js";
import { Engine } from "./view/engine.js";
import { inside } from "./view/inside.js";
import { Panel } from "./view/panel.js";
import { rate } from "./view/rate.js";
import { score } from "./view/score.js";
import { tag } from "./view/tag.js";
import { write } from "./view/write.js";

const KINDS = [rate, tag, write, score, inside];
const KEYS = { ArrowRight: 1, ArrowLeft: -1 };

async function start() {
  const answer = await fetch(new URL("data/models.json", import.meta.url), { cache: "no-cache" });
  if (!answer.ok) throw new Error(`its list of models could not be loaded (${answer.status})`);
  const { models, files, version } = await answer.json();
  const engine = new Engine();
  const there = KINDS.filter((kind) => models.some((model) => kind.tasks.includes(model.task)));
  const panels = there.map((kind) => new Panel(engine, models.filter((model) => kind.tasks.includes(model.task)), files, kind));
  const tabs = panels.map((panel, i) => makeTab(panel, (step) => choose((i + step + panels.length) % panels.length)));

  function choose(place, move = true) {
    panels.forEach((panel, i) => {
      const isChosen = i === place;
      panel.root.hidden = !isChosen;
      tabs[i].setAttribute("aria-selected", String(isChosen));
      tabs[i].tabIndex = isChosen ? 0 : -1;
    });
    if (move) {
      tabs[place].focus();
      history.replaceState(null, "", `#${panels[place].kind.name}`);
    }
  }

  const wanted = () => Math.max(0, panels.findIndex((panel) => `#${panel.kind.name}` === location.hash));
  fill(document.getElementById("tabs"), ...tabs);
  fill(document.getElementById("panels"), ...panels.map((panel) => panel.root));
  document.getElementById("about").textContent = `rnn-language ${version}. Models run in ONNX Runtime; nothing is sent anywhere.`;
  addEventListener("hashchange", () => choose(wanted(), false));
  choose(wanted(), false);
}

function makeTab({ kind }, go) {
  const press = (event) => {
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    go(KEYS[event.key]);
  };
  return element(
    "button", { id: `tab-${kind.name}`, type: "button", role: "tab", "aria-controls": `panel-${kind.name}`, click: () => go(0), keydown: press },
    kind.title,
  );
}

start().catch((error) => {
  fill(document.getElementById("panels"), element("p.remark", {}, `The page cannot start: ${error.message}; reload it.`));
});
