// The customer's cases under the window's head: how far each has come, both refund clocks, the seller's deadline.
//
// The desk sends the whole list whenever anything in it changes; what is open on the page stays open.
import { el, phrases } from "./phrases.js";
import { picture, stepList } from "./cards.js";
import { words } from "./words.js";

const PAGES = new URL("../../chat/pages/", import.meta.url);
const MINUTE_MS = 60000;

export class Cases {
  #score;
  #shown = [];
  #timer = 0;

  /** `score(case, value, words)` is called when the customer gives one; it resolves when the desk has it. */
  constructor(score) {
    this.#score = score;
    this.list = el("div.case-list");
    this.count = el("span.case-count");
    this.now = el("span.case-now");
    this.dots = el("span.case-dots", { "aria-hidden": "true" });
    this.root = el("details.cases", { hidden: true }, el("summary", {}, this.count, this.now, this.dots), this.list);
  }

  /** Show these cases in place of the ones before. */
  show(cases) {
    if (JSON.stringify(cases) === JSON.stringify(this.#shown)) return;
    this.#shown = cases;
    this.root.hidden = cases.length === 0;
    if (!cases.length) return;
    const first = cases.find(({ over }) => !over) ?? cases[0];
    const running = cases.filter(({ over }) => !over).length;
    this.count.replaceChildren(running ? words.cases.running(running) : words.cases.past);
    this.now.replaceChildren(`${first.title}：${first.now}`); // one line, cut where it is too long
    this.dots.replaceChildren(...first.steps.map(({ state }) => el(`i.${state}`)));
    const typed = this.#keepWords();
    const cursor = this.root.getRootNode().activeElement;
    this.list.replaceChildren(...cases.map((each) => this.#card(each, typed)));
    if (this.list.contains(cursor)) cursor.focus();
    this.#tick();
  }

  /** What the customer is writing beside a score must outlive a change of the list. */
  #keepWords() {
    return new Map([...this.list.querySelectorAll("form.score")].map((form) => [form.dataset.case, form]));
  }

  #card(data, typed) {
    const given = typed.get(data.case);
    const score = data.score ? (given ?? scoreForm(data.case, this.#score)) : given?.dataset.given ? given : null;
    return el(
      "article.case",
      { "aria-label": `${data.title} ${data.article}` },
      el(
        "div.case-head",
        {},
        data.image ? picture(data.image, "thumb") : null,
        el("div", {}, el("p.case-title", {}, data.title), el("p.name", {}, phrases(data.article)), el("p.case-state", {}, phrases(data.now))),
      ),
      stepList(data.steps),
      data.deadline ? el("p.countdown", { "data-until": data.deadline }) : null,
      data.clocks.length ? clocks(data.clocks) : null,
      el("dl", {}, ...data.rows.flatMap(({ label, value }) => [el("dt", {}, label), el("dd", {}, phrases(value))])),
      data.account ? this.#account(data.case) : null,
      score,
    );
  }

  #account(reference) {
    const url = new URL("account", PAGES);
    url.searchParams.set("case", reference);
    return el("a.yes.wide", { href: url.href, target: "_blank", rel: "noopener" }, words.cases.account);
  }

  /** Say how long the seller still has, every minute. */
  #tick() {
    clearInterval(this.#timer);
    const running = [...this.list.querySelectorAll("[data-until]")];
    const say = () => running.forEach((line) => (line.textContent = words.cases.left(new Date(line.dataset.until) - Date.now())));
    say();
    if (running.length) this.#timer = setInterval(say, MINUTE_MS);
  }
}

function clocks(found) {
  return el(
    "div.clocks",
    { role: "group", "aria-label": words.cases.clocks },
    ...found.map(({ label, value, chosen }) =>
      el(`p.clock${chosen ? ".chosen" : ""}`, {}, el("span.clock-way", {}, label), el("span", {}, phrases(value)), chosen ? el("span.hidden", {}, words.cases.chosen) : null),
    ),
  );
}

function scoreForm(reference, send) {
  const pick = (value) =>
    el("label", {}, el("input", { type: "radio", name: `score-${reference}`, value, required: true }), el("span", {}, String(value)));
  const text = el("textarea", { rows: 2, maxlength: 1000, "aria-label": words.score.words, placeholder: words.score.words });
  const told = el("p.told", { hidden: true });
  const button = el("button.yes", { type: "submit" }, words.score.send);
  const form = el(
    "form.score",
    { "data-case": reference },
    el("fieldset", {}, el("legend", {}, phrases(words.score.question)), el("div.numbers", {}, ...Array.from({ length: 11 }, (_, value) => pick(value))), el("p.ends", { "aria-hidden": "true" }, el("span", {}, words.score.least), el("span", {}, words.score.most))),
    text,
    button,
    told,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    form.dataset.given = "yes"; // the list may come back before the answer does
    try {
      await send(reference, Number(new FormData(form).get(`score-${reference}`)), text.value.trim());
      form.replaceChildren(el("p.told", { tabindex: "-1" }, phrases(words.score.thanks)));
      form.firstChild.focus();
    } catch (error) {
      delete form.dataset.given;
      told.hidden = false;
      told.replaceChildren(phrases(error.detail || words.failed));
      button.disabled = false;
    }
  });
  return form;
}
