// What a reply shows besides words: quick replies, choices with pictures, a confirmation, the progress of a case.
import { el, phrases } from "./phrases.js";
import { words } from "./words.js";

const STATIC = new URL("../", import.meta.url);

/** Return the elements under a message's text; `press(title, token)` is called for a button. */
export function extras(content, press) {
  const found = [];
  if (content.image) found.push(picture(content.image, "image"));
  const confirming = content.card?.card === "confirm";
  if (content.card) found.push(card(content.card, content.buttons, press));
  if (content.buttons?.length && !confirming) found.push(quickReplies(content.buttons, press));
  return found.filter(Boolean);
}

/** Whether a card says all that the message's text says, so that the text is not shown beside it. */
export function tellsAll(content) {
  return content.card?.card === "confirm" && Boolean(content.card.question);
}

function card(data, buttons, press) {
  if (data.card === "choices") return choices(data.items ?? [], press);
  if (data.card === "confirm") return confirmation(data, buttons, press);
  if (data.card === "progress") return stepList(data.steps ?? [], "card");
  return null;
}

/** Return a photo the customer sent, as the desk drew it anew; the session's cookie goes with the request. */
export function photo({ id, width, height }) {
  const url = new URL(`../../chat/photos/${encodeURIComponent(id)}`, STATIC);
  return el("img.photo", { src: url.href, crossorigin: "use-credentials", alt: words.photo.alt, width, height, loading: "lazy" });
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

/** What will happen, row by row, and the answers to it; the sentence that says the same is kept, but not shown twice. */
function confirmation({ title, rows, note, question, yes, no }, buttons, press) {
  const answers = [yes, no].filter(Boolean).concat(buttons ?? []);
  return el(
    "div.card.confirm",
    {},
    title ? el("p.card-title", {}, phrases(title)) : null,
    el("dl", {}, ...(rows ?? []).flatMap(({ label, value }) => [el("dt", {}, label), el("dd", {}, phrases(String(value)))])),
    note ? el("p.card-note", {}, phrases(note)) : null,
    question ? el("p.card-question", {}, phrases(question)) : null,
    el("div.answers", {}, ...answers.map((answer, place) => button(place ? "button.no" : "button.yes", answer.title, answer.token, press))),
  );
}

/** Return steps one under the other, each done, now, stopped or to come. */
export function stepList(steps, name = "steps") {
  return el(
    `ol.progress.${name}`,
    { "aria-label": words.progress },
    ...steps.map(({ label, state, at }) =>
      el(
        `li.${words.step[state] ? state : "todo"}`,
        state === "now" || state === "stopped" ? { "aria-current": "step" } : {},
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

/** Return a picture of the desk's own; null for any other address. */
export function picture(path, kind) {
  if (!/^\/?[\w./-]+$/.test(path)) return null; // pictures come from the desk itself, from nowhere else
  const url = path.startsWith("/") ? new URL(path, STATIC) : new URL(`products/${path}`, STATIC);
  if (url.origin !== STATIC.origin) return null;
  return el(`img.${kind}`, { src: url.href, alt: "", loading: "lazy", width: 64, height: 64 });
}
