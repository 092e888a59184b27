// The demo shop's one script: signing out of the shop ends the chat's session first, and what the chat's desk does to an
// order shows in the order history beside it.
document.addEventListener("madoguchi:cases", async () => {
  const history = document.querySelector("[data-history]");
  const answer = await fetch(location.href).catch(() => null);
  if (!history || !answer?.ok || history.contains(document.activeElement)) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-history]");
  if (fresh) history.replaceWith(fresh);
});
for (const form of document.querySelectorAll("form[data-sign-out]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const chat = document.querySelector("madoguchi-chat");
      if (chat?.signOut) await chat.signOut();
      else await fetch("/chat/session", { method: "DELETE" });
    } finally {
      form.submit();
    }
  });
}
