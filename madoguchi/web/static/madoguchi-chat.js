// <madoguchi-chat>: the desk's chat window for any page of a shop.
//
//   <script type="module" src="https://desk.example.jp/static/madoguchi-chat.js"></script>
//   <madoguchi-chat token-url="/chat-token"></madoguchi-chat>
//
// token-url  an address of the shop that answers POST with {"token": …} for its signed-in customer, or {"token": null};
//            without it everybody is a visitor
// inline     fill the element's own box on wide screens; without it, a button at the corner opens the window
// Colours and fonts: the CSS variables --madoguchi-ink, -paper, -line, -accent, -on-accent, -soft, -font.
import { Cases } from "./chat/cases.js";
import { Connection } from "./chat/connection.js";
import { Outbox } from "./chat/outbox.js";
import { Menu } from "./chat/menu.js";
import { Photos } from "./chat/photos.js";
import { el } from "./chat/phrases.js";
import { Talk } from "./chat/talk.js";
import { words } from "./chat/words.js";

const STYLE = new URL("./chat/style.css", import.meta.url);
const WIDE = matchMedia("(min-width: 1024px)");
const TOUCH = matchMedia("(pointer: coarse)");
const LONGEST = 4000;
const FRESH_MS = 20000; // an older message is history, and makes no sound
const DOTS_AT_MOST_MS = 30000;
const OPEN_KEY = "madoguchi:open";

class MadoguchiChat extends HTMLElement {
  #built = false;
  #dotsTimer = 0;
  #knownCases;

  connectedCallback() {
    if (!this.#built) this.#build();
    this.#built = true;
    this.connection = new Connection(() => this.#newToken());
    this.outbox = new Outbox((message) => this.connection.post(message), (item) => this.talk.pending(item));
    this.connection.addEventListener("session", ({ detail }) => this.#begin(detail));
    this.connection.addEventListener("message", ({ detail }) => this.#take(detail));
    this.connection.addEventListener("state", ({ detail }) => this.#state(detail));
    this.connection.addEventListener("cases", ({ detail }) => this.#showCases(detail));
    this.connection.addEventListener("health", ({ detail }) => this.#health(detail));
    this.connection.start();
    WIDE.addEventListener("change", this.#lay);
    visualViewport?.addEventListener("resize", this.#fit);
    visualViewport?.addEventListener("scroll", this.#fit);
    this.#lay();
  }

  disconnectedCallback() {
    this.connection.stop();
    WIDE.removeEventListener("change", this.#lay);
    visualViewport?.removeEventListener("resize", this.#fit);
    visualViewport?.removeEventListener("scroll", this.#fit);
  }

  /** Open the window and put the cursor where the customer writes. */
  open() {
    this.#show(true);
    if (TOUCH.matches) this.talk.log.focus();
    else this.input.focus();
  }

  /** Close the window; the talk goes on when it is opened again. */
  close() {
    this.#show(false);
    this.launcher.focus();
  }

  /** End the customer's session, as the shop does when the customer signs out of it. */
  async signOut() {
    this.outbox.clear();
    await this.connection.signOut();
  }

  #build() {
    const root = this.attachShadow({ mode: "open", delegatesFocus: false });
    this.talk = new Talk((message) => this.#send(message), () => this.outbox.flush());
    this.cases = new Cases((reference, value, text) => this.connection.ask("POST", "scores", { case: reference, value, words: text || null }));
    this.status = el("p.status", {}, words.status.bot);
    this.notice = el("p.notice", { hidden: true });
    this.input = el("textarea", {
      rows: 1,
      "aria-label": words.input,
      placeholder: words.input,
      enterkeyhint: "enter",
      autocomplete: "off",
      oninput: () => this.#typed(),
      onkeydown: (event) => this.#key(event),
    });
    this.submit = el("button.send", { type: "submit", "aria-label": words.send, disabled: true }, el("span.arrow", { "aria-hidden": "true" }));
    this.photos = new Photos(
      async (id, file) => (await this.connection.ask("POST", `photos?id=${id}`, file)).message,
      (item) => this.talk.pending(item),
      (text) => this.#note(text, "photo"),
    );
    this.input.addEventListener("paste", (event) => this.photos.pasted(event) && event.preventDefault());
    const form = el("form.composer", { onsubmit: (event) => this.#submitted(event) }, this.photos.button, this.photos.input, this.input, this.submit);
    this.closer = el("button.close", { type: "button", "aria-label": words.close, onclick: () => this.close() });
    this.menu = new Menu((method, path, body) => this.connection.ask(method, path, body));
    const head = el("header", {}, el("div.head-words", {}, el("h2", {}, words.title), this.status), this.menu.root, this.closer);
    this.panel = el("section.panel", { id: "panel", "aria-label": words.panel }, head, this.cases.root, this.menu.calls.root, this.talk.log, this.talk.newest, this.notice, form);
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && !this.inline && !event.isComposing && this.close());
    this.launcher = el("button.launcher", { type: "button", "aria-controls": "panel", "aria-expanded": "false", onclick: () => this.open() }, words.launcher);
    const all = el("div.all", { lang: "ja", hidden: true }, this.launcher, this.panel);
    const style = el("link", { rel: "stylesheet", href: STYLE.href, onload: () => (all.hidden = false), onerror: () => (all.hidden = false) });
    root.append(style, all);
    this.talk.clear();
  }

  get inline() {
    return this.hasAttribute("inline") && WIDE.matches;
  }

  #lay = () => {
    this.shadowRoot.querySelector(".all").classList.toggle("inline", this.inline);
    this.#show(this.inline || kept(OPEN_KEY) === "yes", false);
    this.#fit();
  };

  #show(open, keep = true) {
    this.panel.hidden = !open;
    this.launcher.hidden = open;
    this.launcher.setAttribute("aria-expanded", String(open));
    if (keep) remember(OPEN_KEY, open ? "yes" : "no");
    if (open) this.talk.toEnd();
  }

  /** On a phone the window is as high as what the keyboard leaves free, Safari's too. */
  #fit = () => {
    const { height, offsetTop } = visualViewport ?? { height: innerHeight, offsetTop: 0 };
    this.panel.style.setProperty("--visible", `${height}px`);
    this.panel.style.setProperty("--top", `${offsetTop}px`);
  };

  #begin({ conversation }) {
    if (this.conversation !== conversation) {
      this.talk.clear();
      this.cases.show([]);
    }
    this.conversation = conversation;
    this.outbox.open(conversation);
  }

  #take(message) {
    if (message.author === "customer") this.outbox.arrived(message.client_id);
    else this.#dots(false);
    if (message.author !== "customer" && Date.now() - Date.parse(message.at) < FRESH_MS) this.menu.ring();
    this.talk.store(message);
  }

  #state({ owner, typing }) {
    this.status.textContent = words.status[owner] ?? "";
    this.status.dataset.owner = owner;
    this.#dots(typing);
  }

  /** Show the cases, and tell the shop's page of a change, but not of what it has shown itself since it was loaded. */
  #showCases(cases) {
    const before = this.#knownCases;
    this.#knownCases = JSON.stringify(cases);
    this.cases.show(cases);
    if (before !== undefined && before !== this.#knownCases) this.dispatchEvent(new CustomEvent("madoguchi:cases", { bubbles: true }));
  }

  #dots(on) {
    clearTimeout(this.#dotsTimer);
    if (on) this.#dotsTimer = setTimeout(() => this.talk.typing(false), DOTS_AT_MOST_MS);
    this.talk.typing(on);
  }

  #health(health) {
    if (health === "ok") this.outbox.flush();
    else this.#dots(false);
    this.#note(health === "ok" ? "" : health === "offline" ? words.offline : words.unavailable, "health");
  }

  #note(text, kind) {
    if (!text && this.notice.dataset.kind !== kind) return;
    this.notice.dataset.kind = kind;
    this.notice.textContent = text;
    this.notice.hidden = !text;
  }

  #send(message) {
    this.menu.wake();
    this.outbox.add(message);
    // The pressed button goes away under the finger; the cursor must not be lost with it.
    if (message.choice || this.shadowRoot.activeElement !== this.input) (TOUCH.matches ? this.talk.log : this.input).focus();
  }

  #typed() {
    const length = this.input.value.trim().length;
    this.submit.disabled = length === 0 || length > LONGEST;
    this.#note(length > LONGEST ? words.tooLong(length) : "", "length");
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
  }

  #key(event) {
    // While a Japanese conversion is open Enter belongs to it; Safari ends the conversion first, but leaves 229.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    if (TOUCH.matches) return;
    event.preventDefault();
    this.#write();
  }

  #submitted(event) {
    event.preventDefault();
    this.#write();
  }

  #write() {
    const text = this.input.value.trim();
    if (!text || text.length > LONGEST) return;
    this.input.value = "";
    this.#typed();
    this.#send({ text });
    this.input.focus();
  }

  async #newToken() {
    const url = this.getAttribute("token-url");
    if (!url) return null;
    const response = await fetch(url, { method: "POST", signal: AbortSignal.timeout(10000) });
    if (!response.ok) throw new TypeError(`the shop gave no token: ${response.status}`);
    return (await response.json()).token;
  }
}

function kept(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // Storage may be forbidden; then the window is closed after a reload.
  }
}

customElements.define("madoguchi-chat", MadoguchiChat);
