"""What a message says beside its intent: condition, problem, way of the refund, how much, which of several."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from actions import words
from actions.resolutions import Resolution
from actions.several import OF_A_MEMBERSHIP, counted
from actions.slots import KINDS, RETURNING, Memory, Turn
from madoguchi.services import answers, targets
from madoguchi.services.desk import Desk

MAIL_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
"""A mail address; Japanese puts no space before or behind it: "アドレスはhanako@example.jpです"."""


def read(turn: Turn, memory: Memory, work: Resolution) -> None:
    """Note what the words say beside the intent."""
    asked, kind = memory["asked"], KINDS.get(turn.intent, memory["trouble"])
    kinds = {kind, *(KINDS.get(part.intent) for part in turn.parts)}
    wanted = {
        "condition": bool(kinds & RETURNING) or asked == "condition",
        "problem": turn.intent == "exchange_item" or asked == "problem",
        "at_once": "leave_membership" in (kind, memory["trouble"]),
        "refund_method": True,
        "whole_order": True,
    }
    for topic, matters in wanted.items():
        said = turn.says(topic) if matters else None
        if said is not None:
            memory[topic] = said
    contact = contact_of(turn, memory)
    if contact is not None:
        memory["contact"] = contact
    methods = turn.entities.get("refund_method", ())
    if len(methods) > 1 and turn.says("instead"):
        memory["refund_method"] = methods[-1]
    if asked == "refund_method" and not methods and turn.says("by_bank"):
        memory["refund_method"] = turn.says("by_bank")
    if turn.intent == "exchange_item" and len(set(turn.entities.get("size", ()))) > 1:
        memory["problem"] = memory["problem"] or "wrong_size"  # "Sでは留まりません。Mに替えて"
    _read_several(turn, memory, work)
    _read_memberships(turn, memory, work, kind)
    _read_how_much(turn, memory)
    _read_rest(turn, memory, work)


def meant_instead(desk: Desk, turn: Turn, memory: Memory) -> Turn:
    """Return the turn with the one thing that is meant in place of the one named: "ラックじゃないほう" of two."""
    named = turn.entities.get("product", ())
    if len(named) != 1 or turn.says("all_but") is None:
        return turn
    lines = answers.lines_named(desk, turn.conversation, str(named[0]))
    wish = replace(memory.wish(), kind=KINDS.get(turn.intent, memory["trouble"]))
    other = targets.other_than(desk, turn.conversation, wish, f"line:{min(lines)}") if len(lines) == 1 else None
    if other is None:
        return turn
    memory["product"], memory["line"] = None, other
    rest = {name: values for name, values in turn.entities.items() if name != "product"}
    return replace(turn, entities={**rest, "line": (other,)})


def contact_of(turn: Turn, memory: Memory) -> str | None:
    """Return the phone number or mail address that a visitor was asked for, or gives together with the order."""
    if memory["asked"] not in ("contact", "human") and "order_number" not in turn.entities:
        return None
    number = turn.entity("phone_number")
    mail = MAIL_ADDRESS.search(unicodedata.normalize("NFKC", turn.text))
    return str(number) if number else mail[0] if mail else None


def _read_several(turn: Turn, memory: Memory, work: Resolution) -> None:
    """Where several orders or articles were named, take the first now and keep the others for afterwards."""
    _read_count(turn, memory)
    for name in ("order_number", "product"):
        values = turn.not_kept(name)
        if name == "product":
            values = [*_bought_first(values, work)]
        if len(values) < len(turn.entities.get(name, ())):
            memory[name] = values[0]
        if len(values) < 2:
            continue
        if turn.says("instead"):
            memory[name] = values[-1]
            continue
        memory[name] = values[0]
        if name == "product" and not _all_bought(values, work):
            continue  # a part of the article, or another word for it
        told = {each: memory.after[each] for each in ("condition", "refund_method") if memory.after.get(each)}
        kind = KINDS.get(turn.intent) or memory["trouble"]
        memory["later"] = [{"trouble": kind, name: value, **told} for value in values[1:]]
        return


def _read_count(turn: Turn, memory: Memory) -> None:
    """Of several numbers take the one that is wished for: not what was bought, nor what the customer keeps."""
    counts = turn.entities.get("quantity", ())
    if len(counts) > 1 and turn.typed:
        memory["quantity"] = counted(counts, turn.text)


def _all_bought(products: Sequence[str], work: Resolution) -> bool:
    """Whether these words name as many different articles of the customer's."""
    found = [work.lines_named(product) for product in products]
    return all(found) and all(not one & other for one, other in combinations(found, 2))


def _read_how_much(turn: Turn, memory: Memory) -> None:
    """Of "so many" and "all of it" the last word counts: the one takes the other back."""
    if memory.after.get("whole_order"):
        memory["quantity"] = None
    elif "quantity" in turn.entities:
        memory["whole_order"] = None


def _read_rest(turn: Turn, memory: Memory, work: Resolution) -> None:
    """Take all the units but those that are kept: "1枚だけ残してあとは全部"."""
    kept = turn.says("kept_units") if turn.says("all_the_rest") else None
    if kept is None:
        return
    left = answers.units_left(work.desk, turn.conversation, memory.wish())
    if left is not None and left > int(kept):
        memory["quantity"], memory["whole_order"] = str(left - int(kept)), None


def _read_memberships(turn: Turn, memory: Memory, work: Resolution, kind: str | None) -> None:
    """Take the memberships whose names stand in the message: the first one now, the others afterwards."""
    if kind not in OF_A_MEMBERSHIP or not turn.typed or turn.intent in ("affirm", "deny"):
        return
    meant = "。".join(clause for clause in words.clauses(turn.text) if words.meant("keeps", clause) is None)
    found = answers.memberships_named(work.desk, turn.conversation, kind, meant)
    if len(found) > 1 and turn.says("instead"):
        found = found[-1:]
    if found:
        memory["membership"] = found[0]
    if len(found) > 1:
        memory["later"] = [{"trouble": kind, "membership": each} for each in found[1:]]


def _bought_first(values: Sequence[str], work: Resolution) -> tuple[str, ...]:
    """Return of several articles those that were bought, each once.

    "台所用品の、鍋つかみとピーラー" names two articles, not three; "飴釉の皿" read as 飴釉 and 皿 is one.
    """
    if len(values) < 2:
        return tuple(values)
    bought = {value: lines for value in values if (lines := work.lines_named(value))}
    alone = {lines: value for value, lines in reversed(bought.items())}
    return tuple(value for value, lines in bought.items() if alone[lines] == value) or tuple(values)
