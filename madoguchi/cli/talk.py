"""`madoguchi chat`: a terminal chat with the running desk, over the same HTTP interface as the window."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape

from madoguchi.bootstrap import Settings

LOOK_EVERY_S = 0.3
QUIET_FOR_S = 0.8
PATIENCE_S = 70.0
console = Console(highlight=False)


class CannotTalk(Exception):
    """The talk cannot go on; the message is one sentence for the person at the terminal."""


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("chat")(chat)


def chat(customer: str = typer.Option("", help="The reference of a demo customer; a visitor without it")) -> None:
    """Talk to the running desk; an empty line or Ctrl-D ends."""
    url = Settings().web_url
    try:
        with httpx.Client(base_url=url, timeout=10, trust_env=False) as client:
            talk = Talk(client)
            talk.begin(customer or None)
            talk.show_new()
            _converse(talk)
    except httpx.HTTPError:
        console.print(f"[red]No desk answers at {url}: start it with `make run`.[/red]")
        raise typer.Exit(1) from None
    except CannotTalk as reason:
        console.print(f"[red]{escape(str(reason))}[/red]")
        raise typer.Exit(1) from None


@dataclass
class Talk:
    """One conversation at the terminal: what was shown last, and the buttons that can be pressed now."""

    client: httpx.Client
    seen: int = 0
    buttons: tuple[tuple[str, str], ...] = ()

    def begin(self, customer: str | None) -> None:
        """Open the chat as a demo customer, through the demo shop's own sign-in, or as a visitor."""
        token = None
        if customer is not None:
            signed_in = self.client.post("/shop/sign-in", data={"customer": customer})
            if signed_in.status_code != 303:
                raise CannotTalk(f"The demo shop knows no customer {customer!r}.")
            token = self.client.post("/shop/token").json()["token"]
        opened = _checked(self.client.post("/chat/session", json={} if token is None else {"token": token}))
        name = (opened["customer"] or {}).get("name", "visitor")
        console.print(f"[dim]{escape(name)} — numbers press buttons, an empty line ends[/dim]")

    def say(self, typed: str) -> None:
        """Send a line, or press the button with that number."""
        body = {"id": str(uuid.uuid4()), "text": typed}
        if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= len(self.buttons):
            body = {"id": body["id"], "choice": self.buttons[int(typed) - 1][1]}
        answer = self.client.post("/chat/messages", json=body)
        if answer.is_client_error:
            console.print(f"[red]{escape(str(answer.json()['detail']))}[/red]")
            return
        self.seen = max(self.seen, _checked(answer)["message"]["id"])
        self.buttons = ()
        self._await_replies()

    def show_new(self) -> bool:
        """Print what is new; say whether the bot or a human may still be writing."""
        look = _checked(self.client.get("/chat/messages", params={"after": self.seen}))
        for message in look["messages"]:
            self.seen = message["id"]
            self._show(message)
        return bool(look["typing"])

    def _await_replies(self) -> None:
        began = quiet_since = time.monotonic()
        before = self.seen
        while time.monotonic() - began < PATIENCE_S:
            seen = self.seen
            if self.show_new() or self.seen != seen:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > QUIET_FOR_S and (self.seen != before or self._with_human()):
                return
            time.sleep(LOOK_EVERY_S)

    def _with_human(self) -> bool:
        return bool(_checked(self.client.get("/chat/messages", params={"after": self.seen}))["owner"] != "bot")

    def _show(self, message: dict[str, Any]) -> None:
        mine = message["author"] == "customer"
        if mine:
            self.buttons = ()
        if message["text"]:
            console.print(f"{'[bold]>[/bold]' if mine else '[cyan]<[/cyan]'} {escape(message['text'])}")
        content = message["content"]
        card = content.get("card", {})
        for row in card.get("rows", ()):
            console.print(f"    {escape(row['label'])}: {escape(str(row['value']))}")
        for step in card.get("steps", ()):
            mark = {"done": "●", "now": "◎"}.get(step["state"], "○")
            console.print(f"    {mark} {escape(step['label'])} {escape(step.get('at') or '')}")
        offered = [*card.get("items", ()), *(card[key] for key in ("yes", "no") if key in card)]
        for button in [*offered, *content.get("buttons", ())]:
            self.buttons = (*self.buttons, (button["title"], button["token"]))
            more = "  ".join(str(button[key]) for key in ("detail", "price", "date") if button.get(key))
            console.print(
                f"    [green]{len(self.buttons)}[/green] {escape(button['title'])}  [dim]{escape(more)}[/dim]"
            )


def _converse(talk: Talk) -> None:
    while True:
        try:
            typed = console.input("[bold]>[/bold] ").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if not typed:
            return
        talk.say(typed)


def _checked(response: httpx.Response) -> dict[str, Any]:
    if response.is_success:
        return dict(response.json())
    try:
        reason = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        reason = f"The desk answered with status {response.status_code}."
    raise CannotTalk(str(reason))
