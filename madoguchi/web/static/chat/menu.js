// The window's menu: booking a call, the message centre, the talk to keep, and the sound of a new reply.
import { CallSheet } from "./calls.js";
import { el } from "./phrases.js";
import { words } from "./words.js";

const PAGES = new URL("../../chat/pages/", import.meta.url);
const SOUND_KEY = "madoguchi:sound";

export class Menu {
  /** `ask(method, path, body)` is the way to the desk; `panel` gets the sheet of the call. */
  constructor(ask) {
    this.calls = new CallSheet(ask, () => this.button.focus());
    this.sound = kept() === "on";
    this.sounding = el("button", { type: "button", role: "switch", "aria-checked": String(this.sound), onclick: () => this.#toggle() }, words.menu.sound, el("span.switch", { "aria-hidden": "true" }));
    const page = (name, text) => el("a", { href: new URL(name, PAGES).href, target: "_blank", rel: "noopener" }, text);
    const call = el("button", { type: "button", onclick: () => (this.close(), this.calls.open()) }, words.menu.call);
    this.list = el("div.menu", { id: "menu", hidden: true }, ...[call, page("notices", words.menu.notices), page("talk", words.menu.talk), this.sounding].map((each) => el("div", {}, each)));
    this.button = el("button.more", { type: "button", "aria-label": words.menu.button, "aria-expanded": "false", "aria-controls": "menu", onclick: () => this.#show(this.list.hidden) }, el("i", { "aria-hidden": "true" }));
    this.root = el("div.menu-place", {}, this.button, this.list);
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.list.hidden) return;
      event.stopPropagation(); // it closes the menu, not the window
      this.close();
      this.button.focus();
    });
    this.root.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !this.root.contains(relatedTarget) && this.close());
    document.addEventListener("click", (event) => event.composedPath().includes(this.root) || this.close());
  }

  close() {
    this.#show(false);
  }

  /** Sound, where the customer wants it, for a reply that has just come. */
  ring() {
    if (!this.sound || !this.audio) return;
    const start = this.audio.currentTime;
    for (const [place, pitch] of [659, 880].entries()) {
      const tone = new OscillatorNode(this.audio, { frequency: pitch });
      const volume = new GainNode(this.audio, { gain: 0 });
      volume.gain.setValueAtTime(0.08, start + place * 0.13).exponentialRampToValueAtTime(0.001, start + place * 0.13 + 0.3);
      tone.connect(volume).connect(this.audio.destination);
      tone.start(start + place * 0.13);
      tone.stop(start + place * 0.13 + 0.32);
    }
    this.rung = (this.rung ?? 0) + 1;
  }

  #show(open) {
    this.list.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
  }

  #toggle() {
    this.sound = !this.sound;
    this.sounding.setAttribute("aria-checked", String(this.sound));
    keep(this.sound ? "on" : "off");
    this.wake();
    this.ring();
  }

  /** A browser lets a page sound only after the customer has done something on it. */
  wake() {
    if (!this.sound) return;
    this.audio ??= new AudioContext();
    this.audio.resume();
  }
}

function kept() {
  try {
    return localStorage.getItem(SOUND_KEY);
  } catch {
    return null;
  }
}

function keep(value) {
  try {
    localStorage.setItem(SOUND_KEY, value);
  } catch {
    // Storage may be forbidden; then the sound is off again after a reload.
  }
}
