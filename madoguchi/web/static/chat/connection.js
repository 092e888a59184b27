// The way to the desk: the session, messages down (event stream, or polling where streams do not come through).
//
// Emits: "session" {conversation, customer}, "message" (the message), "state" {owner, typing}, "cases" (the list),
// "health" (ok | offline | unavailable). Every message is given once; after any break it goes on from the last one it has given.

const API = new URL("../../chat/", import.meta.url);
const STREAM_MUST_SPEAK_WITHIN_MS = 6000;
const STREAM_MUST_ECHO_WITHIN_MS = 4000;
const SILENCE_MEANS_DEAD_MS = 40000; // the desk sends a sign of life every 15 s
const POLL_EVERY_MS = 2500;
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15000, 30000];

/** A request the desk refused; `detail` is its Japanese sentence for the customer. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.title ?? `status ${status}`);
    this.status = status;
    this.detail = problem.detail ?? "";
  }
  /** Whether the same request may succeed later. */
  get passing() {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

export class Connection extends EventTarget {
  #newToken;
  #last = 0;
  #stream = null;
  #timers = new Set();
  #failures = 0;
  #running = false;
  #attempt = 0; // each (re)connection has a number; what belongs to an older one is ignored

  /** `newToken` is an async function that returns a fresh sign-in token of the shop, or null for a visitor. */
  constructor(newToken) {
    super();
    this.#newToken = newToken;
  }

  start() {
    this.#running = true;
    addEventListener("online", this.#wake);
    addEventListener("offline", this.#lost);
    addEventListener("pageshow", this.#returned);
    document.addEventListener("visibilitychange", this.#wake);
    this.#connect();
  }

  stop() {
    this.#running = false;
    removeEventListener("online", this.#wake);
    removeEventListener("offline", this.#lost);
    removeEventListener("pageshow", this.#returned);
    document.removeEventListener("visibilitychange", this.#wake);
    this.#drop();
  }

  /** Store one message; resolves with the stored one. Throws Refused, or TypeError where the network is gone. */
  async post(message) {
    return this.#echoed((await this.ask("POST", "messages", message)).message);
  }

  /** Ask the desk for anything else; an ended session is opened anew first. Throws as `post` does. */
  async ask(method, path, body) {
    try {
      return await this.#call(method, path, body);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
      await this.#openSession();
      return this.#call(method, path, body);
    }
  }

  // What was stored comes down the stream as well; where it does not, something on the way gathers the events.
  #echoed(message) {
    this.#after(STREAM_MUST_ECHO_WITHIN_MS, () => {
      if (this.polling || this.#last >= message.id) return;
      this.polling = true;
      this.#connect();
    });
    return message;
  }

  /** End the session here and on the desk. */
  async signOut() {
    this.stop();
    await this.#call("DELETE", "session");
  }

  async #connect() {
    this.#drop();
    const attempt = ++this.#attempt;
    try {
      if (!this.session) await this.#openSession();
      await this.#catchUp();
      if (attempt !== this.#attempt || !this.#running) return;
      this.#failures = 0;
      this.#emit("health", "ok");
      if (this.polling) this.#after(POLL_EVERY_MS, () => this.#connect());
      else this.#listen(attempt);
    } catch (error) {
      if (attempt !== this.#attempt || !this.#running) return;
      if (error instanceof Refused && error.status === 401) this.session = null;
      this.#retry();
    }
  }

  async #openSession() {
    const token = await this.#newToken();
    const opened = await this.#call("POST", "session", token === null ? {} : { token });
    if (this.session?.conversation !== opened.conversation) this.#last = 0;
    this.session = opened;
    this.#emit("session", opened);
  }

  async #catchUp() {
    let found;
    do {
      found = await this.#call("GET", `messages?after=${this.#last}`);
      const before = this.#last;
      found.messages.forEach((message) => this.#give(message));
      if (!before) break;
    } while (found.messages.length >= 200);
    this.#emit("state", { owner: found.owner, typing: found.typing });
    this.#emit("cases", found.cases);
  }

  #listen(attempt) {
    const stream = new EventSource(new URL(`events?after=${this.#last}`, API), { withCredentials: true });
    this.#stream = stream;
    let watchdog = this.#after(STREAM_MUST_SPEAK_WITHIN_MS, () => {
      this.polling = true; // something on the way holds the stream back
      this.#connect();
    });
    const alive = () => {
      this.#cancel(watchdog);
      watchdog = this.#after(SILENCE_MEANS_DEAD_MS, () => this.#connect());
    };
    const on = (name, handle) =>
      stream.addEventListener(name, (event) => {
        if (attempt !== this.#attempt) return;
        alive();
        handle(JSON.parse(event.data));
      });
    on("message", (message) => this.#give(message));
    on("state", (state) => this.#emit("state", state));
    on("cases", (cases) => this.#emit("cases", cases));
    on("ping", () => {});
    on("end", () => {
      this.session = null;
      this.#retry();
    });
    stream.addEventListener("error", () => attempt === this.#attempt && this.#retry());
  }

  #retry() {
    this.#drop();
    this.#attempt++;
    this.#emit("health", navigator.onLine ? "unavailable" : "offline");
    const pause = PAUSES_MS[Math.min(this.#failures++, PAUSES_MS.length - 1)];
    this.#after(pause * (0.75 + Math.random() / 2), () => this.#connect());
  }

  #wake = () => {
    if (!this.#running || document.visibilityState === "hidden") return;
    this.#failures = 0;
    if (this.#stream?.readyState !== EventSource.OPEN) this.#connect();
    else this.#catchUp().catch(() => this.#connect());
  };

  #returned = ({ persisted }) => {
    if (persisted) this.#wake(); // from the browser's own memory of the page, where the stream did not live on
  };

  #lost = () => {
    if (this.#running) this.#retry();
  };

  #give(message) {
    if (message.id <= this.#last) return;
    this.#last = message.id;
    this.#emit("message", message);
  }

  #drop() {
    this.#stream?.close();
    this.#stream = null;
    this.#timers.forEach(clearTimeout);
    this.#timers.clear();
  }

  #after(milliseconds, action) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#running) action();
    }, milliseconds);
    this.#timers.add(timer);
    return timer;
  }

  #cancel(timer) {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }

  async #call(method, path, body) {
    const file = body instanceof Blob;
    const response = await fetch(new URL(path, API), {
      method,
      credentials: "include",
      headers: body && !file ? { "Content-Type": "application/json" } : {},
      body: body && !file ? JSON.stringify(body) : body,
      signal: AbortSignal.timeout(file ? 90000 : 15000),
    });
    if (response.status === 204) return {};
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refused(response.status, answer);
    return answer;
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
