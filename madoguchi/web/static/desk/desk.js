// The desk's pages: keyboard, drafts that survive a reload, live pieces that never take the pen out of somebody's hand.
"use strict";

const held = new Map(); // piece → HTML that came while somebody was writing in it
const busy = (piece) => {
  const at = document.activeElement;
  const writing = at && piece.contains(at) && at.matches("input:not([type=hidden]), textarea, select");
  return writing || piece.querySelector("details.menu[open]") !== null;
};
const put = (piece, html) => htmx.swap(piece, html, { swapStyle: "innerHTML" });

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  const piece = event.target;
  if (event.detail.type !== "counts" && busy(piece)) {
    held.set(piece, event.detail.data);
    event.preventDefault();
  } else {
    held.delete(piece);
    remember(piece);
  }
});
document.addEventListener("htmx:sseMessage", (event) => restore(event.target));

function release() {
  for (const [piece, html] of [...held]) {
    if (!piece.isConnected) held.delete(piece);
    else if (!busy(piece)) {
      held.delete(piece);
      remember(piece);
      put(piece, html);
      restore(piece);
    }
  }
}
document.addEventListener("focusout", () => setTimeout(release, 50));
document.addEventListener("toggle", () => setTimeout(release, 50), true);

// What a swap would lose: the row in focus, what was unfolded, and where the reader was.
let kept = { focus: null, open: [], bottom: false };
function remember(piece) {
  const at = document.activeElement;
  kept = {
    focus: at && piece.contains(at) ? at.id : null,
    open: [...piece.querySelectorAll("details[id][open]")].map((each) => each.id),
    bottom: piece.scrollHeight - piece.scrollTop - piece.clientHeight < 60,
  };
}
function restore(piece) {
  for (const id of kept.open) document.getElementById(id)?.setAttribute("open", "");
  if (kept.focus) document.getElementById(kept.focus)?.focus();
  if (kept.bottom && piece.hasAttribute("data-bottom")) piece.scrollTop = piece.scrollHeight;
  title();
}

function title() {
  const tabs = document.querySelector(".tabs[data-count]");
  if (!tabs) return;
  const count = Number(tabs.dataset.count);
  const bare = document.title.replace(/^\(\d+\) /, "");
  document.title = count ? `(${count}) ${bare}` : bare;
}

// The line to the desk: said when it is lost, and a session that ended leads to the door.
const lost = () => document.getElementById("lost");
document.addEventListener("htmx:sseError", () => { lost().hidden = false; });
document.addEventListener("htmx:sseOpen", (event) => {
  lost().hidden = true;
  event.detail.source.addEventListener("end", () => location.reload());
});

// Drafts.
const box = () => document.getElementById("reply-text");
const draftOf = () => `draft:${document.querySelector("[data-talk]")?.dataset.talk}`;
document.addEventListener("input", (event) => {
  if (event.target === box()) sessionStorage.setItem(draftOf(), box().value);
});
document.addEventListener("replied", () => sessionStorage.removeItem(draftOf()));
function recall() {
  if (box() && !box().value) box().value = sessionStorage.getItem(draftOf()) ?? "";
}
document.addEventListener("htmx:oobAfterSwap", () => { recall(); bottom(); });
document.addEventListener("htmx:afterSettle", (event) => {
  const where = event.detail.requestConfig?.elt?.dataset.focus;
  if (where) {
    document.querySelector(where)?.focus();
    sessionStorage.setItem(draftOf(), box()?.value ?? "");
    event.detail.requestConfig.elt.closest("details.menu")?.removeAttribute("open");
  }
  const shown = event.detail.requestConfig?.elt?.dataset.show;
  if (shown) document.querySelector(shown)?.scrollIntoView({ block: "nearest" });
});
document.addEventListener("click", (event) => {
  const clear = event.target.closest("[data-clear]");
  if (clear) document.querySelector(clear.dataset.clear).replaceChildren();
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(event.target)) menu.removeAttribute("open");
});

// Keyboard. A conversion that is open (isComposing, 229) keeps its keys.
const rows = () => [...document.querySelectorAll("[data-row]")];
function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))].focus();
}
function press(key) {
  const found = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!found || found.disabled) return false;
  if (found.matches("textarea, input[type=search]")) found.focus();
  else found.click();
  if (key === "n") box()?.focus();
  return true;
}
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  const writing = event.target.matches("input, textarea, select, [contenteditable]");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target === box()) {
    event.preventDefault();
    event.target.form.requestSubmit();
  } else if (event.key === "Escape") {
    const menu = event.target.closest("details.menu[open]");
    if (menu) { menu.removeAttribute("open"); menu.querySelector("summary").focus(); }
    else if (writing) event.target.blur();
  } else if (!writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "u") location.assign("/desk");
    else if (!press(event.key)) return;
    event.preventDefault();
  }
});

function bottom() {
  const timeline = document.querySelector("[data-bottom]");
  if (timeline) timeline.scrollTop = timeline.scrollHeight;
}
title();
recall();
bottom();
