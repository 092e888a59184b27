// The trainers' room: marking words with mouse and keyboard, marks that follow the text, keys for decisions.
"use strict";

// Marks are kept in characters as Python counts them; a textarea counts UTF-16 units.
const length = (text) => Array.from(text).length;
const unit = (text, at) => Array.from(text).slice(0, at).join("").length;

class Writer {
  constructor(root) {
    this.text = root.querySelector("[data-text]");
    this.field = root.querySelector("[data-marks]");
    this.shown = root.querySelector("[data-shown]");
    this.names = new Map([...root.querySelectorAll("[data-entity]")].map((each) => [each.dataset.entity, each.dataset.name]));
    this.marks = JSON.parse(this.field.value || "[]");
    this.before = this.text.value;
    this.text.addEventListener("input", () => this.follow());
    // A button would take the selection's focus on its way down.
    root.querySelector(".entities").addEventListener("mousedown", (event) => event.preventDefault());
    root.querySelector(".entities").addEventListener("click", (event) => {
      const button = event.target.closest("[data-entity]");
      if (button) this.mark(button.dataset.entity);
    });
    this.text.addEventListener("keydown", (event) => {
      const digit = /^Digit([1-9])$/.exec(event.code);
      const entity = event.altKey && digit ? [...this.names.keys()][Number(digit[1]) - 1] : undefined;
      if (!entity || event.isComposing) return;
      event.preventDefault();
      this.mark(entity);
    });
    this.parter = this.text.form?.querySelector("[data-part]");
    this.parter?.addEventListener("click", () => this.tellPlace());
    this.text.addEventListener("keydown", (event) => {
      if (!this.parter || event.key !== "Enter" || !event.altKey || event.isComposing) return;
      event.preventDefault();
      this.parter.click();
    });
    this.show();
  }

  // Where the message is to be parted: the cursor, or the words that are chosen.
  tellPlace() {
    const { value, selectionStart, selectionEnd, form } = this.text;
    form.elements.at.value = length(value.slice(0, selectionStart));
    form.elements.to.value = length(value.slice(0, selectionEnd));
  }

  mark(entity) {
    const { value, selectionStart, selectionEnd } = this.text;
    if (selectionStart === selectionEnd) { this.text.focus(); return; }
    const start = length(value.slice(0, selectionStart)), end = length(value.slice(0, selectionEnd));
    this.marks = this.marks.filter(([from, to]) => to <= start || end <= from);
    this.marks.push([start, end, entity, null]);
    this.show();
  }

  // What stays at both ends is where it was; a mark that the change cuts through goes.
  follow() {
    const old = Array.from(this.before), now = Array.from(this.text.value);
    let head = 0, tail = 0;
    while (head < Math.min(old.length, now.length) && old[head] === now[head]) head += 1;
    while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
    const grown = now.length - old.length, changedTo = old.length - tail;
    this.marks = this.marks.flatMap(([start, end, entity, value]) => {
      if (end <= head) return [[start, end, entity, value]];
      if (start >= changedTo) return [[start + grown, end + grown, entity, value]];
      return [];
    });
    this.before = this.text.value;
    this.show();
  }

  show() {
    this.marks.sort((one, other) => one[0] - other[0]);
    this.field.value = JSON.stringify(this.marks);
    this.shown.replaceChildren(...this.marks.map((mark) => {
      const item = document.createElement("li"), button = document.createElement("button");
      const words = this.text.value.slice(unit(this.text.value, mark[0]), unit(this.text.value, mark[1]));
      button.type = "button";
      button.textContent = `${words}：${this.names.get(mark[2]) ?? mark[2]} ×`;
      button.setAttribute("aria-label", `「${words}」の印（${this.names.get(mark[2]) ?? mark[2]}）を外す`);
      button.addEventListener("click", () => {
        this.marks = this.marks.filter((each) => each !== mark);
        this.show();
        this.text.focus();
      });
      item.append(button);
      return item;
    }));
  }
}

for (const root of document.querySelectorAll("[data-writer]")) new Writer(root);

document.addEventListener("click", (event) => {
  const focus = event.target.closest("[data-focus-on]");
  if (focus) document.querySelector(focus.dataset.focusOn).focus();
});
document.addEventListener("keydown", (event) => {
  // A choice list opens for its key; the desk's own keys press buttons only.
  if (event.key !== "i" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, textarea, select")) return;
  const choices = [...document.querySelectorAll("[data-intent]")];
  (choices.find((each) => !each.value) ?? choices[0])?.focus();
  event.preventDefault();
  event.stopPropagation();
}, true);
document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-all]");
  if (all) for (const box of document.querySelectorAll(all.dataset.all)) box.checked = all.checked;
});
