// The demo shop's one script: signing out of the shop ends the chat's session first.
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
