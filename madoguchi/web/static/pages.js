// The one script of the window's own pages: printing, which no page does without being asked.
for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());
