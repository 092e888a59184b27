// Japanese text as DOM nodes that may break between phrases only, never in the middle of a word.
import { model } from "../vendor/budoux/data/models/ja.js";
import { Parser } from "../vendor/budoux/parser.js";

const parser = new Parser(model);
const NUMBERS = /(\d{3}-\d{7}-\d{7}|R-\w{4}-\w{4}|\d{2,4}-\d{2,4}-\d{4})/;
const LONGEST = 1200; // a customer's pasted letter is left to the browser's own breaking

/** Return a fragment with the text, line by line, with break opportunities between phrases. */
export function phrases(text) {
  const fragment = document.createDocumentFragment();
  text.split("\n").forEach((line, number) => {
    if (number) fragment.append(document.createElement("br"));
    const parts = line.length > LONGEST ? [line] : parser.parse(line);
    parts.forEach((part, place) => {
      if (place) fragment.append(document.createElement("wbr"));
      fragment.append(...whole(part));
    });
  });
  return fragment;
}

/** Keep the hyphened numbers of orders and returns on one line. */
function whole(part) {
  return part.split(NUMBERS).map((piece, place) => (place % 2 ? el("span.number", {}, piece) : piece));
}

/** Create an element: `el("p.note", { title: "…" }, "text", child)`; text is always text, never markup. */
export function el(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
