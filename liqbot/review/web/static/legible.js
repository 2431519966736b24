// Text for people, and the one way text gets onto the page: as text, never as markup.

// Signs that nobody sees, or that turn the direction of writing, are written out, as the terminal does.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;

export function spelled(text) {
  return String(text).replace(HIDDEN, (sign) => "\\u" + sign.codePointAt(0).toString(16).padStart(4, "0"));
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : spelled(child))));
  return made;
}

export const usd = (value) => {
  if (value === null || value === undefined) return "–";
  if (value < 0) return "-" + usd(-value);
  for (const [size, letter] of [[1e9, "B"], [1e6, "M"], [1e3, "K"]]) {
    if (value >= size * 0.9995) return "$" + (value / size).toFixed(value < 100 * size ? 1 : 0) + letter;
  }
  return "$" + value.toFixed(0);
};

export const number = (value, digits) =>
  Number(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const price = (value) =>
  value === null || value === undefined || value === "" ? "–"
    : Number(value).toLocaleString("en-US", { maximumSignificantDigits: Math.abs(value) >= 1000 ? 6 : 5 });
export const signed = (value, digits = 2) =>
  value === null || value === undefined ? "–" : (value > 0 ? "+" : "") + number(value, digits);
export const percent = (value, digits = 1) => (value === null || value === undefined ? "–" : number(value, digits) + " %");

const utc = (ms) => new Date(ms).toISOString();
export const minute = (ms) => utc(ms).slice(5, 16).replace("T", " ");
export const second = (ms) => utc(ms).slice(5, 19).replace("T", " ");
export const ofIso = (iso) => (iso ? iso.slice(5, 19).replace("T", " ") : "");

export function lasting(ms) {
  if (ms < 90_000) return number(ms / 1000, ms < 10_000 ? 1 : 0) + " s";
  return ms < 5_400_000 ? number(ms / 60_000, 0) + " min" : number(ms / 3_600_000, 1) + " h";
}

// `columns`: [head, cell of a row, class]; a cell is text or an element.
export function table(rows, columns, empty, pick) {
  if (!rows.length) return element("p", { class: "hint" }, empty);
  const head = columns.map(([name, , kind]) => element("th", { class: kind ?? null, scope: "col" }, name));
  const body = rows.map((row) => {
    const cells = columns.map(([, cell, kind]) => element("td", { class: kind ?? null }, cell(row) ?? ""));
    if (!pick) return element("tr", {}, ...cells);
    const chosen = () => pick(row);
    const key = (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); chosen(); } };
    return element("tr", { class: "pick", tabindex: "0", onclick: chosen, onkeydown: key }, ...cells);
  });
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
}

export const byId = (id) => document.getElementById(id);
export const fill = (place, ...children) => place.replaceChildren(
  ...children.map((child) => (child instanceof Node ? child : document.createTextNode(spelled(child)))),
);
export const show = (id, ...children) => fill(byId(id), ...children);
