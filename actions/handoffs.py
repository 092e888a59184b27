"""To a human, or to a call: at the customer's wish, in anger, or when the desk has not understood twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet

from actions import scoring, several
from actions.base import DeskAction, Events
from actions.calls import call_off
from actions.reading import contact_of
from actions.replies import CALL, HUMAN, Speaker
from actions.resolutions import TWICE, readable, say_promise
from actions.slots import FORM, HINTS, RETURN_OFFERED, STANDING, Memory, Turn
from madoguchi.services import answers, callbacks, handoffs, resolve, wishes
from madoguchi.services.callbacks import Booked, Full, NeedsPhone
from madoguchi.services.views import Values
from madoguchi.services.wishes import Wish

CERTAIN_ENOUGH = 0.05
"""Meanings less likely than this are no help to a customer who has to choose."""
MEANINGS = 2


def over(action: DeskAction, turn: Turn, speaker: Speaker, reason: str) -> Events:
    """Hand the conversation to a human, say by when they answer, and let go of the form."""
    note: dict[str, Any] = {"trouble": turn.slot("trouble"), "asked": turn.slot("asked")}
    promise = handoffs.hand_over(action.desk, turn.conversation, reason, readable(note))
    say_promise(speaker, reason, promise, {})
    cleared = [SlotSet(name, None) for name in (*HINTS, *STANDING, "later", "misses", "complaints")]
    return [ActiveLoop(None), SlotSet("requested_slot", None), *cleared]


class HandOver(DeskAction):
    """Calls a human at once."""

    NAME = "action_hand_over"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Hand over; strong words are flagged for the agent, and "担当の方は結構です" calls nobody."""
        if turn.says("no_human"):
            speaker.say("deny_nothing")
            return [SlotSet("asked", None)] if turn.slot("asked") == "human" else []
        angry = turn.says("anger") is not None
        if angry:
            handoffs.flag(self.desk, turn.conversation)
        return over(self, turn, speaker, "anger" if angry else "requested")


class Complaint(DeskAction):
    """Hears a complaint: strong anger, or a second complaint, is a human's at once."""

    NAME = "action_complaint"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Apologize and offer a human, or call one."""
        complaints = int(turn.slot("complaints") or 0) + 1
        strong = turn.says("anger") is not None
        if strong:
            handoffs.flag(self.desk, turn.conversation)
        if strong or complaints >= TWICE:
            return over(self, turn, speaker, "anger")
        order = answers.seller_has_answered(self.desk, turn.conversation)
        if order is not None:
            return self._review(turn, speaker, order)
        speaker.say("complaint", buttons=[HUMAN, CALL])
        offered = [] if turn.slot("asked") else [SlotSet("asked", "human")]
        return [SlotSet("complaints", complaints), SlotSet("misses", None), *offered]

    def _review(self, turn: Turn, speaker: Speaker, order: str) -> Events:
        """A seller's answer that does not satisfy is reviewed by a human (rule 15)."""
        wish = Wish(kind="dissatisfied_with_answer", line=f"order:{order}")
        step = resolve.consider(self.desk, turn.conversation, wish)
        speaker.say("sorry_dissatisfied_with_answer")
        return over(self, turn, speaker, step.reason if isinstance(step, wishes.HandOver) else "guarantee_review")


class TwoMeanings(DeskAction):
    """Asks what was meant, with the two likeliest meanings to press; the second time in a row a human is called."""

    NAME = "action_two_meanings"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Ask, or hand over."""
        if scoring.take_words(self.desk, turn, speaker, turn.slot("asked")):
            return [SlotSet("misses", None), SlotSet("asked", None)]
        if call_off(self.desk, turn, speaker):
            return [SlotSet("misses", None), *several.besides(self.desk, turn)]
        if turn.slot("asked") == RETURN_OFFERED and turn.says("condition"):
            return [SlotSet("misses", None), FollowupAction(FORM)]  # the state of what is to go back
        misses = int(turn.slot("misses") or 0) + 1
        if turn.says("anger"):
            handoffs.flag(self.desk, turn.conversation)
            return over(self, turn, speaker, "anger")
        wish = turn.says("wish")
        if wish and turn.slot("trouble") is None and answers.order_open_to(self.desk, turn.conversation, wish):
            return [SlotSet("misses", None), FollowupAction(FORM)]  # a wish after all, that no intent stands for
        told = several.besides(self.desk, turn)
        if told:
            return [SlotSet("misses", None), *told]  # several at once, that no single intent stands for
        if misses >= TWICE:
            return over(self, turn, speaker, "not_understood")
        if turn.in_form or (turn.slot("trouble") is not None and turn.slot("asked") not in (None, "offer")):
            speaker.say("not_understood_here")
        else:
            self._ask(turn, speaker)
        return [SlotSet("misses", misses)]

    def _ask(self, turn: Turn, speaker: Speaker) -> None:
        known = [(name, sure) for name, sure in turn.ranking if f"meaning_{name}" in self.book]
        likely = [name for name, sure in known if sure >= CERTAIN_ENOUGH][:MEANINGS]
        if len(likely) < MEANINGS:
            speaker.say("default", buttons=[HUMAN])
            return
        choices = [{"title": self.book.label(f"meaning_{name}"), "payload": f"/{name}"} for name in likely]
        speaker.say("two_meanings", choices=choices, buttons=[HUMAN])


class BookCall(DeskAction):
    """Books a phone call in the next free slot, or the one chosen."""

    NAME = "action_book_call"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Book it, or ask for the number to call."""
        if call_off(self.desk, turn, speaker):
            return [SlotSet("misses", None), *several.besides(self.desk, turn)]
        if turn.says("own_call"):
            speaker.say("deny_nothing")  # "母からかけさせます": nobody asks to be called
            return [SlotSet("misses", None)]
        proof = self._proof(turn)
        if proof:
            return proof
        chosen, number = turn.entity("call_at"), turn.entity("phone_number") or turn.slot("phone_number")
        slot = datetime.fromisoformat(str(chosen)) if chosen else None
        match callbacks.book(self.desk, turn.conversation, slot, str(number) if number else None):
            case Booked(slot_at, phone_end, already):
                values: Values = {"slot_at": slot_at, "phone": phone_end}
                speaker.say("call_booked_already" if already else "call_booked", values)
                return [SlotSet("call_wanted", None), SlotSet("misses", None), *several.besides(self.desk, turn.sure)]
            case NeedsPhone():
                speaker.say("ask_phone")
                return [SlotSet("call_wanted", "phone")]
            case Full():
                speaker.say("call_full", buttons=[HUMAN])
        return []

    def _proof(self, turn: Turn) -> Events:
        """Let the form have a number that proves an order: "電話は090-…です" is no wish to be called."""
        contact = contact_of(turn, Memory(turn.slots))
        if contact is None or turn.says("calls"):
            return []
        return [SlotSet("contact", contact)] if turn.in_form else several.besides(self.desk, turn)
