// Elements of the page. Whatever comes from a text or a model is put in as text, never as HTML.

/**
 * Make an element.
 *
 * @param {string} name such as "p.remark"
 * @param {object} properties attributes; functions are listeners; `vars` are custom properties of CSS
 * @param {...(Node|string|null)} children
 */
export function element(name, properties = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(key, value);
    else if (key === "vars") for (const [name, own] of Object.entries(value)) made.style.setProperty(`--${name}`, own);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}

/** Tokens with what stands between them in a text: `[gap, token]`, and the rest behind the last. */
export function spread(text, tokens) {
  let end = 0;
  const pieces = tokens.map((token) => {
    const start = text.indexOf(token, end);
    if (start < 0) return [" ", token];
    const gap = text.slice(end, start);
    end = start + token.length;
    return [gap, token];
  });
  return [pieces, text.slice(end)];
}

/** Tokens with a number each, as a list; all of them where no pointer is needed to see the numbers. */
export function listed(tokens, values, order) {
  const item = (i) => element("li", {}, element("span.text", {}, tokens[i]), " ", element("span.value", {}, values[i]));
  return element("ol.strongest", {}, ...order.map(item));
}

/** What is shown when somebody asks for it. */
export const fold = (summary, ...children) => element("details", {}, element("summary", {}, summary), ...children);

export const percent = (share) => (share < 0.01 ? `${(100 * share).toFixed(1)}%` : `${Math.round(100 * share)}%`);

/** A number with its sign; the minus is one. */
export const signed = (number, digits = 2) => {
  const shown = Math.abs(number).toFixed(digits);
  return Number(shown) === 0 ? shown : `${number < 0 ? "−" : "+"}${shown}`;
};

export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
