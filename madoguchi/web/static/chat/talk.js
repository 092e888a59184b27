// The list of messages: the one live region, dates between days, states under the customer's own messages.
import { extras, photo, tellsAll } from "./cards.js";
import { el, phrases } from "./phrases.js";
import { words } from "./words.js";

const ZONE = { timeZone: "Asia/Tokyo" };
const DAY = new Intl.DateTimeFormat("ja-JP", { ...ZONE, month: "long", day: "numeric", weekday: "short" });
const TIME = new Intl.DateTimeFormat("ja-JP", { ...ZONE, hour: "numeric", minute: "2-digit" });
const NEAR_THE_END = 120;

export class Talk {
  #send;
  #retry;
  #byClientId = new Map();
  #shown = []; // the messages' elements in order
  #follow = true;
  #top = 0; // where the log stood when it was scrolled last

  /** `send(message)` is called with a pressed choice, `retry()` for what could not be sent. */
  constructor(send, retry) {
    this.#send = send;
    this.#retry = retry;
    this.list = el("div.list");
    this.dots = el("div.dots", { hidden: true, "aria-hidden": "true" }, el("i"), el("i"), el("i"));
    this.log = el("div.log", { role: "log", "aria-label": words.log, tabindex: "0" }, this.list, this.dots);
    this.newest = el("button.newest", { type: "button", hidden: true, onclick: () => this.toEnd() }, words.newest);
    this.log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    const grown = new ResizeObserver(() => this.#follow && this.toEnd()); // a photo has its height only once it is there
    [this.log, this.list].forEach((each) => grown.observe(each));
  }

  /** Show nothing but the welcome, for a new conversation. */
  clear() {
    this.#byClientId.clear();
    this.#shown = [];
    this.list.replaceChildren(this.#welcome());
  }

  /** Show a message the desk has stored. */
  store(message) {
    const known = this.#byClientId.get(message.client_id);
    const row = known ?? this.#row(message);
    if (known) {
      // It is on the page already, and is not put there again: a screen reader would read it twice.
      known.message = message;
      known.pending = known.refused = false;
      if (message.content.photo) known.row.querySelector(".bubble")?.replaceWith(photo(message.content.photo));
      delete known.row.dataset.state;
    } else {
      this.#shown.push(row);
      this.#byClientId.set(message.client_id, row);
    }
    this.#settle(row);
  }

  /** Show a message that is on its way, or could not be sent. */
  pending(item) {
    if (item.stored) return this.store(item.stored);
    const known = this.#byClientId.get(item.id);
    if (known) return this.#mark(known, item.state, item.detail);
    const row = this.#row({ author: "customer", text: item.text ?? item.title, content: {}, at: item.at });
    row.picture = Boolean(item.photo);
    row.pending = true;
    this.#shown.push(row);
    this.#byClientId.set(item.id, row);
    this.#mark(row, item.state, item.detail);
    this.#follow = true;
    this.#settle(row);
  }

  typing(on) {
    if (this.dots.hidden === !on) return;
    this.dots.hidden = !on;
    if (this.#follow) this.toEnd();
  }

  toEnd() {
    this.#follow = true;
    this.newest.hidden = true;
    this.log.scrollTop = this.log.scrollHeight;
  }

  #scrolled() {
    // Only a move upwards leaves the end: what grows below has not been scrolled away from.
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    if (scrollHeight - scrollTop - clientHeight < NEAR_THE_END) this.#follow = true;
    else if (scrollTop < this.#top) this.#follow = false;
    this.#top = scrollTop;
    if (this.#follow) this.newest.hidden = true;
  }

  #row(message) {
    const mine = message.author === "customer";
    const press = (title, choice) => choice && this.#send({ choice, title });
    const state = el("p.state");
    const body = el("div.body", {}, ...(message.text && !tellsAll(message.content) ? [el("p.bubble", {}, phrases(message.text))] : []));
    if (message.content.photo) body.append(photo(message.content.photo));
    body.append(...extras(message.content, press));
    const who = mine ? words.you : message.author === "agent" ? words.agent : words.bot;
    const time = el("time", { datetime: message.at }, TIME.format(new Date(message.at)));
    const row = el(`div.row.${mine ? "mine" : "theirs"}.${message.author}`, {}, el("p.who", {}, who), body, el("div.foot", {}, time, state));
    return { row, message, mine, state, pending: false, picture: Boolean(message.content.photo) };
  }

  #mark(row, state, detail) {
    row.row.dataset.state = state;
    row.state.replaceChildren();
    if (state === "sending") row.state.append(words.sending);
    if (state === "failed") {
      row.state.append(words.failed, el("button.retry", { type: "button", onclick: () => this.#retry() }, words.retry));
    }
    if (state === "refused") {
      row.state.append(phrases(detail || words.failed));
      row.refused = true;
      row.after = Math.max(0, ...this.#shown.map(({ message }) => message.id ?? 0));
      this.#settle(row);
    }
  }

  /** Put everything in its order, day by day; only the newest unanswered buttons can be pressed. */
  #settle(row) {
    this.#shown.sort((one, two) => place(one) - place(two));
    const days = new Map([...this.list.querySelectorAll(".day")].map((old) => [old.textContent, old]));
    let day = null;
    const wanted = [];
    for (const { row: element, message } of this.#shown) {
      const its = DAY.format(new Date(message.at));
      if (its !== day) wanted.push(days.get(its) ?? el("p.day", {}, its));
      day = its;
      wanted.push(element);
    }
    this.#arrange(wanted);
    this.#openChoices();
    this.#lastSent();
    this.#times();
    if (this.#follow || row.mine) this.toEnd();
    else this.newest.hidden = false;
  }

  #arrange(wanted) {
    // Only what changed its place is touched: a screen reader must not hear the whole talk again.
    const keep = new Set(wanted);
    for (const child of [...this.list.children]) if (!keep.has(child) && !child.matches(".welcome")) child.remove();
    let before = this.#shownAfterWelcome();
    for (const element of wanted) {
      if (element === before) before = before.nextSibling;
      else this.list.insertBefore(element, before);
    }
    this.list.querySelector(".suggestions")?.toggleAttribute("hidden", wanted.length > 0);
  }

  #shownAfterWelcome() {
    const welcome = this.list.querySelector(".welcome");
    return welcome ? welcome.nextSibling : this.list.firstChild;
  }

  #openChoices() {
    // A photo answers nothing: what was asked before it can still be answered.
    const lastMine = this.#shown.findLastIndex((row) => row.mine && !row.refused && !row.picture);
    this.#shown.forEach(({ row, mine }, number) => {
      if (mine) return;
      const open = number > lastMine;
      row.toggleAttribute("data-past", !open);
      row.querySelectorAll("[data-token]").forEach((button) => (button.disabled = !open));
    });
  }

  #lastSent() {
    const mine = this.#shown.filter((row) => row.mine);
    mine.forEach((row) => {
      if (row.pending || row.refused) return;
      row.state.replaceChildren(row === mine.at(-1) ? words.sent : "");
    });
  }

  /** Say the time once for what was said in one go. */
  #times() {
    const spoken = ({ message }) => `${message.author} ${TIME.format(new Date(message.at))}`;
    this.#shown.forEach((row, number) => {
      const next = this.#shown[number + 1];
      row.row.toggleAttribute("data-goes-on", next !== undefined && spoken(next) === spoken(row) && !row.row.dataset.state);
    });
  }

  #welcome() {
    const send = (text) => this.#send({ text });
    return el(
      "div.welcome",
      {},
      ...words.welcome.map((line) => el("p", {}, phrases(line))),
      el(
        "div.suggestions",
        { role: "group", "aria-label": words.suggestionsLabel },
        ...words.suggestions.map((text) => el("button.chip", { type: "button", onclick: () => send(text) }, phrases(text))),
      ),
    );
  }
}

/** Stored messages stand in the desk's order; those on their way come last; a refused one stays where it was written. */
function place({ message, refused, after }) {
  return message.id ?? (refused ? after + 0.5 : Number.MAX_SAFE_INTEGER);
}
