"""Questions, greetings and buttons that are answered on the way; the form, if one is open, goes on afterwards."""

from __future__ import annotations

from dataclasses import replace

from rasa_sdk.events import FollowupAction, SlotSet

from actions import several
from actions.base import DeskAction, Events
from actions.forms import go_on
from actions.replies import RETURN, Button, Speaker
from actions.resolutions import ask_score_if_due
from actions.slots import ASKED, FORM, Memory, Turn
from madoguchi.services import answers, notices, resolve, scores, targets
from madoguchi.services.views import Answer
from madoguchi.services.wishes import Tell, Wish

NOTHING_PROMISED = frozenset({"nothing_fits", "no_orders", "declined_nothing_to_change"})
"""Replies that say that there is no promised refund whose way could be changed."""


class AnswerQuestion(DeskAction):
    """Answers a question from the store."""

    NAME = "action_answer"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Say the answer, with its choices where there are several things it can be about; an open form goes on."""
        return go_on(self, turn, speaker, self._answer(turn, speaker))

    def _answer(self, turn: Turn, speaker: Speaker) -> Events:
        question = ASKED[turn.intent]
        memory = Memory(turn.slots)
        changed = self._changes_method(turn, memory) if question == "refund_method" else []
        if changed:
            return changed
        memory["line"] = self._meant(turn, memory)
        found = answers.answer(self.desk, turn.conversation, question, memory.wish())
        self._say(turn, speaker, question, found)
        forgotten = [] if turn.in_form else [SlotSet(name, None) for name in ("line", "membership")]
        condition = turn.says("condition") if question == "return_procedure" else None
        wished = several.besides(self.desk, turn)
        if not (turn.in_form or wished or found.choices):
            ask_score_if_due(self.desk, turn, speaker)
        number = found.values.get("order_number")
        recent = [SlotSet("recent", f"order:{number}")] if number and not turn.in_form else []
        said = [SlotSet("condition", condition)] if condition else []
        return [SlotSet("misses", None), *forgotten, *recent, *said, *wished]

    def _meant(self, turn: Turn, memory: Memory) -> str | None:
        """Return which article a question is about that names none: what is talked about, or the other one."""
        line, recent = memory["line"], memory["recent"]
        if turn.entities or line or recent is None:
            return str(line) if line else None
        if turn.says("other_one"):
            return targets.other_than(self.desk, turn.conversation, Wish(), str(recent))
        return str(recent)

    def _changes_method(self, turn: Turn, memory: Memory) -> Events:
        """Where a way is named and money is promised, the form changes the way; in all else this is a question."""
        method = turn.says("refund_method") or turn.entity("refund_method")
        if turn.in_form or method is None:
            return []
        wish = replace(memory.wish(), kind="change_refund_method", refund_method=str(method))
        step = resolve.consider(self.desk, turn.conversation, wish)
        if isinstance(step, Tell) and step.reply in NOTHING_PROMISED:
            return []
        kept = {"trouble": wish.kind, "refund_method": method}
        return [*(SlotSet(name, value) for name, value in kept.items()), FollowupAction(FORM)]

    def _say(self, turn: Turn, speaker: Speaker, question: str, found: Answer) -> None:
        if found.reply == "return_procedure_general" and not turn.in_form:
            speaker.say(found.reply, found.values, buttons=[RETURN])
            return
        if question == "guarantee" and found.choices:
            wish = Button("button_guarantee", f'/inform{{"wish": "guarantee", "line": "{found.choices[0].value}"}}')
            speaker.say(found.reply, found.values, buttons=[wish])
            return
        if question == "missing_mail":
            speaker.offer("notice", found.reply, found.values, found.choices)
            return
        speaker.offer(question, found.reply, found.values, found.choices, intent=turn.intent)


class Greet(DeskAction):
    """Greets; a returning customer hears where their case stands."""

    NAME = "action_greet"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Say the greeting, once in full and afterwards without the case."""
        found = answers.answer(self.desk, turn.conversation, "greeting", Memory({}).wish())
        first = turn.bot_turns == 0
        speaker.say(found.reply if first else "greeting", found.values)
        if not turn.in_form:
            ask_score_if_due(self.desk, turn, speaker)
        return [SlotSet("misses", None)]


class ResendMail(DeskAction):
    """Sends a mail of the message centre again."""

    NAME = "action_resend_mail"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Send it again if it is the customer's own."""
        chosen = str(turn.entity("notice") or "").removeprefix("notice:")
        subject = notices.resend(self.desk, turn.conversation, int(chosen)) if chosen.isdecimal() else None
        speaker.say("mail_resent" if subject else "missing_mail_none", {"subject": subject})
        return []


class TakeScore(DeskAction):
    """Takes the answer to would-you-recommend."""

    NAME = "action_take_score"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Record it, once; a second press is thanked for all the same."""
        case, _, value = str(turn.entity("score") or "").partition(":")
        if value.isdecimal() and 0 <= int(value) <= 10:
            scores.record(self.desk, turn.conversation, case, int(value))
        speaker.say("score_thanks")
        return []
