"""The wish that the words speak of, where the message's intent is another one that cannot be meant here."""

from __future__ import annotations

from actions import several
from actions.resolutions import Resolution
from actions.several import SURE
from actions.slots import KINDS, Turn
from madoguchi.services import answers, resolve
from madoguchi.services.wishes import REORDER, Tell, Wish


def kind_meant(turn: Turn, work: Resolution, kind: str, *, asked: bool) -> str:
    """Return the kind of wish that is meant; `asked` where a wish waits for an answer, which "やめます" may be."""
    kind = kind if asked else _unless_nothing_to_withdraw(turn, work, kind)
    if kind in ("exchange", REORDER) and (fault := _fault_told(turn)):
        return fault  # "割れていたので返金して、同じのをもう一つ": the fault decides who pays, the order comes later
    if kind == REORDER and turn.says("sends_back"):
        told = several.wishes(turn, several.bought_by(work.desk, turn))
        return told[0].kind if told else "change_of_mind"  # "もう一度返品を申し込みます" orders nothing
    if kind == "accidental_signup" and _names_an_order_to_cancel(turn, work):
        return "cancel"  # "マイク、間違って押しました" is about an article, not about a membership
    if kind == "seller_stockout" and work.memory["trouble"] == "cancel":
        return "cancel"
    if kind in several.AT_FAULT and turn.says("cancels") is not None:
        # Where nothing has left yet no article can be faulty.
        return "cancel" if answers.is_unsent(work.desk, turn.conversation, work.memory.wish()) else kind
    return kind


def _names_an_order_to_cancel(turn: Turn, work: Resolution) -> bool:
    lines = work.lines_named(str(turn.entity("product") or ""))
    return not turn.says("of_membership") and any(work.if_it_fits("cancel", f"line:{line}") for line in lines)


def _fault_told(turn: Turn) -> str | None:
    sure = (KINDS[part.intent] for part in turn.parts if part.intent in KINDS and part.confidence >= SURE)
    return next((kind for kind in sure if kind in several.AT_FAULT), None)


def _unless_nothing_to_withdraw(turn: Turn, work: Resolution, kind: str) -> str:
    """Return another wish of the message in place of taking back a request where there is none to take back."""
    told = [KINDS[part.intent] for part in turn.parts if part.intent in KINDS and part.confidence >= SURE]
    if kind != "withdraw" or not told or told[-1] == "withdraw":
        return kind
    if answers.order_open_to(work.desk, turn.conversation, "withdraw") is not None:
        return kind
    step = resolve.consider(work.desk, turn.conversation, Wish(kind="withdraw"))
    return told[-1] if isinstance(step, Tell) and step.reply == "nothing_to_withdraw" else kind
