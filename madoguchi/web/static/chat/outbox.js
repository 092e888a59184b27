// What the customer has written and the desk has not confirmed yet: sent one after the other, in order, under ids made
// here, so that sending again never doubles anything. It survives a reload in the tab's own storage.
import { Refused } from "./connection.js";

const PAUSES_MS = [600, 1500, 4000];

export class Outbox {
  #post;
  #changed;
  #items = [];
  #key = null;
  #busy = false;

  /** `post(message)` sends one; `changed(item)` is told of every change: item.state is sending, sent, failed, refused. */
  constructor(post, changed) {
    this.#post = post;
    this.#changed = changed;
  }

  /** Take up what an earlier load of this page left for this conversation. */
  open(conversation) {
    const key = `madoguchi:${conversation}`;
    if (this.#key === key) return this.flush();
    this.#key = key;
    const kept = this.#load().filter((old) => !this.#items.some((item) => item.id === old.id));
    this.#items = [...kept, ...this.#items];
    kept.forEach((item) => this.#changed(item));
    this.#keep();
    this.flush();
  }

  /** Send a message: {text} or {choice, title}. */
  add(message) {
    const item = { id: newId(), state: "sending", at: new Date().toISOString(), ...message };
    this.#items.push(item);
    this.#keep();
    this.#changed(item);
    this.flush();
  }

  /** The desk has this one, as its event said. */
  arrived(id) {
    this.#remove(id);
  }

  /** Try what could not be sent once more. */
  flush() {
    this.#items.filter((item) => item.state === "failed").forEach((item) => this.#set(item, "sending"));
    if (this.#key !== null) this.#pump();
  }

  get waiting() {
    return this.#items.length > 0;
  }

  /** Forget everything, on signing out. */
  clear() {
    this.#items = [];
    this.#keep();
  }

  async #pump() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#items.length && (await this.#sendFirst(this.#items[0])));
    } finally {
      this.#busy = false;
    }
  }

  async #sendFirst(item) {
    const body = item.choice ? { id: item.id, choice: item.choice } : { id: item.id, text: item.text };
    for (let tries = 0; ; tries++) {
      try {
        item.stored = await this.#post(body);
        this.#remove(item.id);
        this.#set(item, "sent");
        return true;
      } catch (error) {
        if (error instanceof Refused && !error.passing) {
          item.detail = error.detail;
          this.#remove(item.id);
          this.#set(item, "refused");
          return true;
        }
      }
      if (tries >= PAUSES_MS.length || !this.#items.includes(item)) break;
      await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[tries]));
    }
    // Order is kept: what was written after it waits with it.
    this.#items.forEach((waiting) => this.#set(waiting, "failed"));
    return false;
  }

  #set(item, state) {
    item.state = state;
    this.#changed(item);
  }

  #remove(id) {
    this.#items = this.#items.filter((item) => item.id !== id);
    this.#keep();
  }

  #load() {
    try {
      return JSON.parse(sessionStorage.getItem(this.#key)) ?? [];
    } catch {
      return [];
    }
  }

  #keep() {
    if (this.#key === null) return;
    try {
      if (this.#items.length) sessionStorage.setItem(this.#key, JSON.stringify(this.#items));
      else sessionStorage.removeItem(this.#key);
    } catch {
      // Storage may be forbidden; then only a reload in mid-sending loses what was not confirmed.
    }
  }
}

/** Return a fresh id for a message. */
export function newId() {
  return crypto.randomUUID?.() ?? uuid();
}

function uuid() {
  // crypto.randomUUID exists on https and localhost only.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
