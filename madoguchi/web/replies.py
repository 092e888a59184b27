"""From the engine's replies to what is stored and shown: every payload becomes a single-use token."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from madoguchi.rasa import BotReply
from madoguchi.services.talk import Offered, Reply
from madoguchi.web.sentences import Sentences

TITLE_LENGTH = 200
PAYLOAD_LENGTH = 500


class UnusableReply(Exception):
    """A reply the window cannot show; the message says why."""


def to_replies(replies: Iterable[BotReply], sentences: Sentences) -> tuple[Reply, ...]:
    """Return the replies to store, without those that would show nothing. Raises UnusableReply."""
    return tuple(converted for reply in replies if (converted := _to_reply(reply, sentences)).text or converted.content)


def _to_reply(reply: BotReply, sentences: Sentences) -> Reply:
    offered: list[Offered] = []
    content: dict[str, Any] = {}
    if reply.buttons:
        content["buttons"] = [
            {"title": button.title, "token": _offer(offered, button.title, button.payload)} for button in reply.buttons
        ]
    if reply.image:
        content["image"] = reply.image
    if reply.custom:
        content["card"] = _card(reply.custom, offered, sentences)
    return Reply((reply.text or "").strip(), content, tuple(offered))


def _card(custom: dict[str, Any], offered: list[Offered], sentences: Sentences) -> dict[str, Any]:
    if not isinstance(custom.get("card"), str):
        raise UnusableReply("a custom reply without a card's name")
    card = {name: _without_payloads(value, offered) for name, value in custom.items()}
    if card["card"] == "confirm":
        for answer in ("yes", "no"):
            if isinstance(custom.get(answer), str):
                title = sentences.confirm[answer]
                card[answer] = {"title": title, "token": _offer(offered, title, custom[answer])}
    return card


def _without_payloads(value: Any, offered: list[Offered]) -> Any:
    """Copy a value; wherever it holds a payload, put a token in its place."""
    if isinstance(value, list):
        return [_without_payloads(item, offered) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {name: _without_payloads(item, offered) for name, item in value.items() if name != "payload"}
    if "payload" in value:
        copy["token"] = _offer(offered, str(value.get("title") or ""), value["payload"])
    return copy


def _offer(offered: list[Offered], title: str, payload: Any) -> str:
    if not isinstance(payload, str) or not 0 < len(payload) <= PAYLOAD_LENGTH or not title:
        raise UnusableReply("a button without a title, or with a payload that is too long")
    choice = Offered(secrets.token_urlsafe(32), title[:TITLE_LENGTH], payload)
    offered.append(choice)
    return choice.token
