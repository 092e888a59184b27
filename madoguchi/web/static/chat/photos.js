// Photos of a defect: chosen, taken with the phone, or pasted; sent one after the other, each under an id made here.
import { el } from "./phrases.js";
import { words } from "./words.js";
import { newId } from "./outbox.js";

const LARGEST = 8 * 1024 * 1024;
const AT_ONCE = 5;
const KINDS = ["image/jpeg", "image/png", "image/webp"];
const PAUSES_MS = [1000, 3000, 8000];

export class Photos {
  #send;
  #changed;
  #say;
  #queue = Promise.resolve();

  /** `send(id, file)` resolves with the stored message; `changed(item)` is told of every change; `say(text)` notes. */
  constructor(send, changed, say) {
    this.#send = send;
    this.#changed = changed;
    this.#say = say;
    this.input = el("input", { type: "file", accept: KINDS.join(), multiple: true, hidden: true, onchange: () => this.#chosen() });
    this.button = el("button.photo-button", { type: "button", "aria-label": words.photo.button, onclick: () => this.input.click() }, el("span.camera", { "aria-hidden": "true" }));
  }

  /** Take the pictures out of what was pasted; false where there is none. */
  pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])].filter(({ type }) => KINDS.includes(type));
    if (files.length) this.#take(files);
    return files.length > 0;
  }

  #chosen() {
    this.#take([...this.input.files]);
    this.input.value = "";
  }

  #take(files) {
    const wanted = files.slice(0, AT_ONCE);
    const fitting = wanted.filter(({ size }) => size <= LARGEST);
    this.#say(files.length > AT_ONCE ? words.photo.tooMany : fitting.length < wanted.length ? words.photo.tooLarge : "");
    for (const file of fitting) {
      const item = { id: newId(), photo: true, text: words.photo.pending, state: "sending", at: new Date().toISOString() };
      this.#changed(item);
      this.#queue = this.#queue.then(() => this.#deliver(item, file));
    }
  }

  async #deliver(item, file) {
    for (let tries = 0; ; tries++) {
      try {
        item.stored = await this.#send(item.id, file);
        return this.#set(item, "sent");
      } catch (error) {
        const passing = error.passing ?? true; // a network that is gone comes back
        if (!passing || tries >= PAUSES_MS.length) return this.#set(item, "refused", error.detail || words.photo.failed);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[tries]));
    }
  }

  #set(item, state, detail) {
    Object.assign(item, { state, detail });
    this.#changed(item);
  }
}
