"""Questions, greetings and buttons that are answered on the way; the form, if one is open, goes on afterwards."""

from __future__ import annotations

from dataclasses import replace

from rasa_sdk.events import FollowupAction, SlotSet

from actions import choosing, scoring, several
from actions.base import DeskAction, Events
from actions.forms import go_on
from actions.mails import is_mail, send_again
from actions.reading import contact_of
from actions.replies import RETURN, Speaker
from actions.resolutions import offer_answer
from actions.slots import ASKED, FORM, RETURN_OFFERED, Memory, Turn
from madoguchi.services import answers, resolve, targets
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
        if question == "order_status" and {"refund_method"} == turn.entities.keys():
            question = "refund_status"  # "カードのほうはいつ頃になりますか" asks for the money
        memory = Memory(turn.slots)
        changed = self._changes_method(turn, memory) if question == "refund_method" else []
        if changed:
            return changed
        if turn.in_form and memory["asked"] == "at_once" and turn.says("at_once"):
            # "すぐやめてお金を返して" asks about money only in its form: it is the answer to the form's question.
            return [SlotSet("at_once", turn.says("at_once"))]
        if question == "missing_mail" and is_mail(memory["asked"]) and turn.says("resend"):
            send_again(self.desk, turn, speaker, str(memory["asked"]))
            return [SlotSet("asked", None)]
        memory["line"] = self._meant(turn, memory)
        found = answers.answer(self.desk, turn.conversation, question, memory.wish())
        if found.reply == answers.UNPROVED:
            return self._ask_for_proof(turn, memory, question)
        self._say(turn, speaker, question, found)
        forgotten = [] if turn.in_form else [SlotSet(name, None) for name in self._forgotten(turn, memory)]
        condition = turn.says("condition") if question == "return_procedure" else None
        wished = several.besides(self.desk, turn)
        score = None if turn.in_form or wished or found.choices else scoring.ask_if_due(self.desk, turn, speaker)
        number = found.values.get("order_number")
        recent = [SlotSet("recent", f"order:{number}")] if number and not turn.in_form else []
        said = [SlotSet("condition", condition)] if condition else []
        offered = [] if turn.in_form or memory["trouble"] else _offers(question, found)
        offered += [SlotSet("asked", score)] if score else []
        return [SlotSet("misses", None), *forgotten, *recent, *said, *offered, *wished]

    def _ask_for_proof(self, turn: Turn, memory: Memory, question: str) -> Events:
        """Let the form ask a visitor for what proves their order, and answer the question when that is shown."""
        memory["contact"] = contact_of(turn, memory) or memory["contact"]
        if turn.in_form and memory["trouble"] not in (None, *answers.OF_AN_ORDER):
            memory["later"] = [*(memory["later"] or []), {"trouble": question}]
            return memory.events()
        memory["trouble"] = question
        return [*memory.events(), FollowupAction(FORM)]

    @staticmethod
    def _forgotten(turn: Turn, memory: Memory) -> tuple[str, ...]:
        """Return what a question ends: what it was about, and an offer that it did not take."""
        offered = memory["asked"] in ("human", RETURN_OFFERED) or is_mail(memory["asked"])
        # After "もう一つのほうは？" the article that was named before is not what "それ" means.
        other = ("product",) if turn.says("other_one") and "product" not in turn.entities else ()
        return ("line", "membership", *other, *(("asked",) if offered else ()))

    def _meant(self, turn: Turn, memory: Memory) -> str | None:
        """Return which article a question is about: the one it names, what is talked about, or the other one."""
        line, recent = memory["line"], memory["recent"]
        if "line" not in turn.entities and (named := self._named(turn)) is not None:
            return named
        others = turn.entities.keys() - {"quantity"}  # "もう一つのほう" is no number of units
        if others or line or recent is None:
            return str(line) if line else None
        if turn.says("other_one"):
            return targets.other_than(self.desk, turn.conversation, Wish(), str(recent))
        return str(recent)

    def _named(self, turn: Turn) -> str | None:
        """Return the one article of the customer's that a question names, whatever is talked about besides."""
        product = turn.entity("product")
        if product is not None:
            lines = answers.lines_named(self.desk, turn.conversation, str(product))
            return f"line:{min(lines)}" if len(lines) == 1 else None
        if "order_number" in turn.entities or not choosing.may_name(turn):
            return None
        found = choosing.named_now(turn, targets.articles(self.desk, turn.conversation, ""), to_stay=True)
        return found.value if found else None

    def _changes_method(self, turn: Turn, memory: Memory) -> Events:
        """Where a way is named and money is promised, the form changes the way; in all else this is a question."""
        method = turn.says("refund_method") or turn.entity("refund_method")
        if turn.in_form or method is None or turn.says("asks_when"):
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
        offer_answer(speaker, question, found)


def _offers(question: str, found: Answer) -> Events:
    """Return what a typed yes to this answer takes up: the guarantee that is due, or the one mail that can be meant."""
    if question == "return_procedure" and found.reply == "return_procedure_general":
        return [SlotSet("asked", RETURN_OFFERED)]
    if question == "missing_mail":
        bounced = [mail for mail in found.choices if mail.detail == "bounced"] or found.choices
        return [SlotSet("asked", bounced[0].value)] if len(bounced) == 1 else []
    if question != "guarantee" or not found.choices:
        return []
    kept = {"trouble": "guarantee", "line": found.choices[0].value, "asked": "offer"}
    return [SlotSet(name, value) for name, value in kept.items()]


class Greet(DeskAction):
    """Greets; a returning customer hears where their case stands."""

    NAME = "action_greet"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Say the greeting, once in full and afterwards without the case."""
        found = answers.answer(self.desk, turn.conversation, "greeting", Memory({}).wish())
        first = turn.bot_turns == 0
        speaker.say(found.reply if first else "greeting", found.values)
        score = None if turn.in_form else scoring.ask_if_due(self.desk, turn, speaker)
        return [SlotSet("misses", None), *([SlotSet("asked", score)] if score else [])]


class ResendMail(DeskAction):
    """Sends a mail of the message centre again."""

    NAME = "action_resend_mail"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Send it again if it is the customer's own."""
        send_again(self.desk, turn, speaker, str(turn.entity("notice") or ""))
        return [SlotSet("asked", None)] if is_mail(turn.slot("asked")) else []


class TakeScore(DeskAction):
    """Takes the answer to would-you-recommend."""

    NAME = "action_take_score"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Record it, once; a second press is thanked for all the same."""
        scoring.record(self.desk, turn, speaker, str(turn.entity("score") or ""))
        return []
