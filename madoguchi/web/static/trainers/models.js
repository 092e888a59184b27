// The pages about models: the log stays at its end while it grows, and the button in focus keeps the focus.
"use strict";

let focused = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const at = document.activeElement;
  focused = event.detail.target?.contains(at) ? at.id : null;
});
function settle() {
  const log = document.querySelector(".log");
  if (log) log.scrollTop = log.scrollHeight;
  if (focused) document.getElementById(focused)?.focus();
  const begin = document.querySelector("form[action='/desk/train/runs'] button");
  if (begin) begin.disabled = document.getElementById("cancel-run") !== null;
}
document.addEventListener("htmx:afterSwap", settle);
settle();
