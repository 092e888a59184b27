// Booking a call: the free slots and the number, in a sheet over the talk.
import { el, phrases } from "./phrases.js";
import { words } from "./words.js";

export class CallSheet {
  #ask;
  #closed;

  constructor(ask, closed) {
    this.#ask = ask;
    this.#closed = closed;
    this.title = el("h3", { id: "call-title", tabindex: "-1" }, words.call.title);
    this.closer = el("button.back", { type: "button", onclick: () => this.close() }, words.call.close);
    this.body = el("div.sheet-body");
    this.root = el("section.sheet", { role: "dialog", "aria-labelledby": "call-title", hidden: true }, el("div.sheet-head", {}, this.title, this.closer), this.body);
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.stopPropagation();
      this.close();
    });
  }

  async open() {
    this.root.hidden = false;
    this.body.replaceChildren(el("p", {}, words.call.loading));
    this.title.focus();
    await this.#do("GET");
  }

  close() {
    this.root.hidden = true;
    this.#closed();
  }

  async #do(method, body) {
    try {
      this.#show(await this.#ask(method, "calls", body));
      return true;
    } catch (error) {
      const told = el("p.sheet-error", { role: "alert" }, phrases(error.detail || words.call.failed));
      this.body.querySelector(".sheet-error")?.remove();
      this.body.append(told);
      return false;
    }
  }

  #show({ slots, booked, phone }) {
    const found = booked ? this.#booked(booked) : slots.length ? this.#form(slots, phone) : el("p", {}, phrases(words.call.full));
    this.body.replaceChildren(found);
  }

  #booked({ label, phone }) {
    return el(
      "div",
      {},
      el("p.call-time", {}, label),
      el("p", {}, phrases(words.call.booked(phone))),
      el("button.no", { type: "button", onclick: () => this.#then("DELETE") }, words.call.cancel),
    );
  }

  #form(slots, phone) {
    const pick = ({ at, label }, place) => el("label.slot", {}, el("input", { type: "radio", name: "at", value: at, required: true, checked: place === 0 }), el("span", {}, place === 0 ? words.call.soonest(label) : label));
    const number = el("input", { type: "tel", name: "phone", autocomplete: "tel", inputmode: "tel", maxlength: 40, required: !phone, placeholder: phone ? words.call.known(phone) : "090-0000-0000" });
    const form = el(
      "form",
      {},
      el("p", {}, phrases(words.call.lead)),
      el("fieldset", {}, el("legend", {}, words.call.when), el("div.slots", {}, ...slots.map(pick))),
      el("label.field", {}, el("span", {}, phone ? words.call.other : words.call.number), number),
      el("button.yes", { type: "submit" }, words.call.send),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = new FormData(form);
      this.#then("POST", { at: given.get("at"), phone: given.get("phone").trim() || null });
    });
    return form;
  }

  /** Do it, and put the cursor where it is read what came of it. */
  async #then(method, body) {
    if (await this.#do(method, body)) this.title.focus();
  }
}
