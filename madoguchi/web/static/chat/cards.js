// What a reply shows besides words: quick replies, choices with pictures, a confirmation, the progress of a case.
import { el, phrases } from "./phrases.js";
import { words } from "./words.js";

const STATIC = new URL("../", import.meta.url);

/** Return the elements under a message's text; `press(title, token)` is called for a button. */
export function extras(content, press) {
  const found = [];
  if (content.image) found.push(picture(content.image, "image"));
  if (content.card) found.push(card(content.card, press));
  if (content.buttons?.length) found.push(quickReplies(content.buttons, press));
  return found.filter(Boolean);
}

function card(data, press) {
  if (data.card === "choices") return choices(data.items ?? [], press);
  if (data.card === "confirm") return confirmation(data, press);
  if (data.card === "progress") return progress(data.steps ?? []);
  return null;
}

function quickReplies(buttons, press) {
  return el(
    "div.quick",
    { role: "group", "aria-label": words.choices },
    ...buttons.map(({ title, token }) => button("button.chip", title, token, press)),
  );
}

function choices(items, press) {
  return el(
    "ul.choices",
    { "aria-label": words.choices },
    ...items.map((item) =>
      el(
        "li",
        {},
        el(
          "button.choice",
          { type: "button", "data-token": item.token ?? true, onclick: () => press(item.title, item.token) },
          item.image ? picture(item.image, "thumb") : null,
          el(
            "span.about",
            {},
            el("span.name", {}, phrases(item.title)),
            item.detail ? el("span.detail", {}, phrases(item.detail)) : null,
            el("span.facts", {}, ...facts(item)),
          ),
        ),
      ),
    ),
  );
}

function facts({ price, date }) {
  return [price ? el("span.price", {}, price) : null, date ? el("span.date", {}, date) : null];
}

function confirmation({ title, rows, yes, no }, press) {
  return el(
    "div.card.confirm",
    {},
    title ? el("p.card-title", {}, phrases(title)) : null,
    el("dl", {}, ...(rows ?? []).flatMap(({ label, value }) => [el("dt", {}, label), el("dd", {}, phrases(String(value)))])),
    el(
      "div.answers",
      {},
      yes ? button("button.yes", yes.title, yes.token, press) : null,
      no ? button("button.no", no.title, no.token, press) : null,
    ),
  );
}

function progress(steps) {
  return el(
    "ol.card.progress",
    { "aria-label": words.progress },
    ...steps.map(({ label, state, at }) =>
      el(
        `li.${["done", "now", "todo"].includes(state) ? state : "todo"}`,
        state === "now" ? { "aria-current": "step" } : {},
        el("span.step", {}, label),
        el("span.hidden", {}, `（${words.step[state] ?? words.step.todo}）`),
        at ? el("span.at", {}, at) : null,
      ),
    ),
  );
}

function button(name, title, token, press) {
  return el(name, { type: "button", "data-token": token ?? true, onclick: () => press(title, token) }, phrases(title));
}

function picture(path, kind) {
  if (!/^\/?[\w./-]+$/.test(path)) return null; // pictures come from the desk itself, from nowhere else
  const url = path.startsWith("/") ? new URL(path, STATIC) : new URL(`products/${path}`, STATIC);
  if (url.origin !== STATIC.origin) return null;
  return el(`img.${kind}`, { src: url.href, alt: "", loading: "lazy", width: 64, height: 64 });
}
