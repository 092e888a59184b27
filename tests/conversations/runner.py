"""Plays conversation files against a running desk over HTTP and compares the store's end with what the file says.

    python -m tests.conversations.runner --web http://127.0.0.1:8000 --times 8 [files or folders]

plays everything so many times, each time with a customer of its own, and prints how many files pass every time. It
needs the settings (MADOGUCHI_VAR, MADOGUCHI_DATABASE_URL …) of the desk that runs. README.md tells the format.
"""

from __future__ import annotations

import argparse
import sys
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML

from madoguchi.bootstrap import Settings, build_desk
from madoguchi.demo.scene import build
from madoguchi.services import events, outbox
from madoguchi.services.desk import Desk, wall_clock
from madoguchi.web.tokens import make_token
from tests.conversations.ends import compare, snapshot
from tests.conversations.times import shift

FOLDER = Path(__file__).parent
ANSWERED_WITHIN_S = 15.0
KEYS = {"about", "scene", "visitor", "talk", "store"}
STEPS = {"customer", "press", "event", "time", "expect"}
EXPECTED = {"contains", "not_contains", "buttons", "no_buttons", "replies"}


class Misspelt(ValueError):
    """A conversation file that cannot be played; the message says where it is wrong."""


@dataclass(frozen=True)
class Situation:
    """One file: what is in the store, what is said, and where it ends."""

    name: str
    about: str
    scene: Mapping[str, Any]
    visitor: bool
    talk: tuple[Mapping[str, Any], ...]
    store: Mapping[str, Any]


@dataclass
class Heard:
    """What the desk said in answer to one message."""

    texts: list[str] = field(default_factory=list)
    buttons: dict[str, str] = field(default_factory=dict)
    cards: list[str] = field(default_factory=list)
    owner: str = "bot"

    @property
    def everything(self) -> str:
        """All that could be read."""
        return "\n".join([*self.texts, *self.cards, *self.buttons])


def load(path: Path) -> Situation:
    """Read one file; Misspelt for a key that is not known, so that no expectation is silently ignored."""
    raw = YAML(typ="safe").load(path)
    if set(raw) - KEYS:
        raise Misspelt(f"{path.name}: unknown {sorted(set(raw) - KEYS)}")
    for number, step in enumerate(raw["talk"]):
        wrong = (set(step) - STEPS) | (set(step.get("expect") or {}) - EXPECTED)
        if wrong:
            raise Misspelt(f"{path.name}: talk {number}: unknown {sorted(wrong)}")
    return Situation(
        path.stem,
        raw["about"],
        raw.get("scene") or {},
        bool(raw.get("visitor")),
        tuple(raw["talk"]),
        raw["store"] or {},
    )


def situations(places: Iterable[Path] = (FOLDER,)) -> list[Situation]:
    """Return all situations of these files and folders, by name."""
    files = [file for place in places for file in (sorted(place.glob("*.yml")) if place.is_dir() else [place])]
    return [load(file) for file in files]


class Window:
    """The chat window of one customer: the web program's API and nothing else."""

    def __init__(self, web: str, token: str | None) -> None:
        self._client = httpx.Client(base_url=web, timeout=ANSWERED_WITHIN_S, headers={"Sec-Fetch-Site": "same-origin"})
        opened = self._open(token)
        self.conversation: str = opened.json()["conversation"]
        self._buttons: dict[str, str] = {}
        self._owner = "bot"

    def _open(self, token: str | None) -> httpx.Response:
        """Open a session; where there are too many from here at once, come back when the desk says so."""
        while True:
            opened = self._client.post("/chat/session", json={"token": token} if token else {})
            if opened.status_code != 429:
                return opened.raise_for_status()
            time.sleep(int(opened.headers["Retry-After"]))

    def say(self, text: str) -> Heard:
        """Type a message and wait for the answer."""
        return self._send({"text": text})

    def press(self, title: str) -> Heard:
        """Press a button of the last answer by its title, or by the beginning of it."""
        found = [token for shown, token in self._buttons.items() if shown.startswith(title)]
        if not found:
            raise AssertionError(f"no button {title!r}; there are {list(self._buttons)}")
        return self._send({"choice": found[0]})

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _send(self, message: dict[str, str]) -> Heard:
        sent = self._client.post("/chat/messages", json={"id": str(uuid.uuid4()), **message})
        if sent.status_code != 202:
            raise AssertionError(f"{sent.status_code}: {sent.text}")
        own = sent.json()["message"]["id"]
        heard = self._wait(own)
        self._buttons = heard.buttons
        return heard

    def _wait(self, own: int) -> Heard:
        deadline = time.monotonic() + ANSWERED_WITHIN_S
        while time.monotonic() < deadline:
            page = self._client.get("/chat/messages", params={"after": own - 1}).json()
            mine = next(each for each in page["messages"] if each["id"] == own)
            # A talk that a human owned before this message is not answered by the bot, and its message stays stored.
            if mine["state"] != "stored" or self._owner != "bot":
                self._owner = page["owner"]
                return _heard(page, own)
            time.sleep(0.02)
        raise AssertionError(f"no answer within {ANSWERED_WITHIN_S} s")


def _heard(page: dict[str, Any], own: int) -> Heard:
    heard = Heard(owner=page["owner"])
    for message in page["messages"]:
        if message["id"] <= own or message["author"] == "customer":
            continue
        heard.texts.append(message["text"])
        content = message["content"]
        for button in content.get("buttons") or []:
            heard.buttons[button["title"]] = button["token"]
        for step in (content.get("card") or {}).get("steps") or []:
            heard.cards.append(f"{step['label']} {step['at']}")
        for item in (content.get("card") or {}).get("items") or []:
            heard.buttons[item["title"]] = item["token"]
            heard.cards.append(" ".join(str(item.get(part) or "") for part in ("title", "detail", "price", "date")))
    return heard


@dataclass
class Player:
    """Plays one situation."""

    web: str
    settings: Settings
    desk: Desk
    situation: Situation
    problems: list[str] = field(default_factory=list)
    protocol: list[str] = field(default_factory=list)

    def play(self) -> list[str]:
        """Play it and return what was not as the file says; empty where everything was."""
        names = build(self.desk.store, self.situation.scene, wall_clock())
        token = None
        if not self.situation.visitor:
            reference = next(iter(names["references"].values()))
            token = make_token(reference, self.settings.secret_for("shop_token"), wall_clock())
        window = Window(self.web, token)
        try:
            before = snapshot(self.desk, names, window.conversation)
            self._talk(window, names)
            self.problems += compare(self.desk, names, window.conversation, before, self.situation.store)
        except AssertionError as failed:
            self.problems.append(str(failed))
        finally:
            window.close()
        return self.problems

    def _talk(self, window: Window, names: Mapping[str, Any]) -> None:
        said_last = ""
        for number, step in enumerate(self.situation.talk):
            if "event" in step:
                self._happen(step["event"], names)
                continue
            if "time" in step:
                shift(self.desk, names, str(step["time"]))
                continue
            spoken = str(step.get("customer", step.get("press")))
            self.protocol.append(f"> {spoken}")
            text = _with_names(spoken, names)
            heard = window.press(text) if "press" in step else window.say(text)
            self.protocol += [f"  {line}" for line in heard.everything.splitlines()]
            self._judge(f"turn {number} ({spoken})", step.get("expect") or {}, heard, said_last, names)
            said_last = heard.texts[-1] if heard.texts else ""

    def _judge(
        self, place: str, expect: Mapping[str, Any], heard: Heard, said_last: str, names: Mapping[str, Any]
    ) -> None:
        everything = heard.everything
        for words in expect.get("contains", ()):
            if _with_names(str(words), names) not in everything:
                self.problems.append(f"{place}: {words!r} is missing")
        for words in expect.get("not_contains", ()):
            if _with_names(str(words), names) in everything:
                self.problems.append(f"{place}: {words!r} should not be there")
        for title in expect.get("buttons", ()):
            if not any(shown.startswith(title) for shown in heard.buttons):
                self.problems.append(f"{place}: no button {title!r} among {list(heard.buttons)}")
        for title in expect.get("no_buttons", ()):
            if any(shown.startswith(title) for shown in heard.buttons):
                self.problems.append(f"{place}: there is a button {title!r}")
        if not heard.texts and expect.get("replies") != 0:
            self.problems.append(f"{place}: no answer")
        if any(sign in "".join(heard.texts) for sign in "{}") or "None" in "".join(heard.texts):
            self.problems.append(f"{place}: a placeholder was not filled: {heard.texts}")
        if heard.texts and heard.texts[-1] == said_last:
            self.problems.append(f"{place}: the same sentence twice in a row: {said_last}")

    def _happen(self, event: Mapping[str, Any], names: Mapping[str, Any]) -> None:
        """Let the outside world act: {kind: payload}, with names of the scene in the payload."""
        for kind, payload in event.items():
            filled = {key: self._subject(key, value, names) for key, value in payload.items()}
            applied = events.apply(self.desk, str(uuid.uuid4()), kind, filled)
            self.protocol.append(f"* {kind} {filled}: {applied}")
            if isinstance(applied, events.Rejected) or applied.outcome == "unknown_subject":
                self.problems.append(f"event {kind}: {applied}")
            outbox.send_due(self.desk)

    def _subject(self, key: str, value: Any, names: Mapping[str, Any]) -> Any:
        if key == "order":
            return names["orders"].get(value, value)
        if key == "rma":
            return self._newest_rma(str(value), names)
        return value

    def _newest_rma(self, order: str, names: Mapping[str, Any]) -> str:
        from sqlalchemy import select

        from madoguchi.store import ReturnAuthorization

        with self.desk.store.reading() as session:
            number = session.scalar(
                select(ReturnAuthorization.number)
                .where(ReturnAuthorization.order_number == names["orders"][order])
                .order_by(ReturnAuthorization.id.desc())
                .limit(1)
            )
        assert number is not None, f"order {order} has no return"
        return number


def _with_names(text: str, names: Mapping[str, Any]) -> str:
    """Put an order's number where the file writes <order:name>."""
    for name, number in names.get("orders", {}).items():
        text = text.replace(f"<order:{name}>", number)
    return text


def main() -> int:
    """Play files several times and print which pass every time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", nargs="*", type=Path, default=[FOLDER])
    parser.add_argument("--web", default=None, help="the address of the web program")
    parser.add_argument("--times", type=int, default=8)
    parser.add_argument("--show", action="store_true", help="print every talk")
    wanted = parser.parse_args()
    settings = Settings()
    desk, found = build_desk(settings), situations(wanted.places)
    passed = 0
    for situation in found:
        problems: list[str] = []
        for _ in range(wanted.times):
            player = Player(wanted.web or settings.web_url, settings, desk, situation)
            problems += player.play()
            if wanted.show:
                print(f"── {situation.name}", *player.protocol, sep="\n")
        passed += not problems
        print(f"{'ok  ' if not problems else 'FAIL'} {situation.name}", *dict.fromkeys(problems), sep="\n       ")
    print(f"{passed} of {len(found)} situations pass all {wanted.times} times")
    return 0 if passed == len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
