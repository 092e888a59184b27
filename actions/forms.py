"""The one form: hears what a turn brings and decides whether it is an answer, a new wish, a yes or a no.

Rasa calls `validate_resolution_form` whenever the form runs. Returning no slot at all makes Rasa try its rules: that is
how a question in between gets its own answer before the form goes on.
"""

from __future__ import annotations

from rasa_sdk.events import SlotSet

from actions import several
from actions.base import DeskAction, Events
from actions.reading import contact_of, read
from actions.replies import Speaker
from actions.resolutions import ENDS, GOES_ON, Resolution, ask_score_if_due
from actions.slots import FORM, HINTS, KINDS, STANDING, Memory, Turn
from madoguchi.services import answers, callbacks
from madoguchi.services.wishes import REORDER

FACTS = frozenset({"order_number", "product", "size", "refund_method", "quantity", "phone_number"})
"""Entities of typed words that can answer a question of the form."""
OF_RULES = frozenset({"call_at", "notice", "score"})
"""Entities of buttons that belong to rules of their own."""
CHANGES = frozenset({"refund_method", "size", "quantity", "product", "order_number", "line"})
"""Entities with which a yes or a no brings something else: "はい、でもカードで"."""


class ResolutionForm(DeskAction):
    """Takes a turn of the form."""

    NAME = f"validate_{FORM}"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Take the turn; no events at all where it is no answer to what was asked."""
        memory = Memory(turn.slots)
        work = Resolution(self.desk, turn, speaker, memory)
        if not Hearing(turn, speaker, memory, work).take_turn():
            return []
        memory["misses"] = work.misses or None
        # Rasa leaves the turn to its rules unless some slot is set, so the trouble is told even where it stays.
        return [SlotSet("trouble", memory["trouble"]), *memory.events(), SlotSet("requested_slot", work.next)]


class Hearing:
    """What one message says to the form."""

    def __init__(self, turn: Turn, speaker: Speaker, memory: Memory, work: Resolution) -> None:
        self.turn = turn
        self.speaker = speaker
        self.memory = memory
        self.work = work

    def take_turn(self) -> bool:
        """Answer the message; False where it is a question or a word that the rules answer."""
        if self.turn.returning:
            self._go_on()
            return True
        if self.turn.in_form and not self._is_mine():
            return False
        self.work.misses = self.work.misses if self.turn.intent == "nlu_fallback" else 0
        read(self.turn, self.memory, self.work)
        if self._books_call() or self._wishes_in_words() or self._takes_several():
            return True
        if self.turn.intent in KINDS:
            self._hear_trouble(KINDS[self.turn.intent])
        else:
            {"affirm": self._agree, "deny": self._refuse}.get(self.turn.intent, self._hear_fact)()
        return True

    def _is_mine(self) -> bool:
        """Whether the message is a wish, an answer, or words that answer what was asked."""
        turn, asked = self.turn, self.memory["asked"]
        if OF_RULES & turn.entities.keys():
            return False
        if turn.intent in KINDS or turn.intent in ("affirm", "deny", "inform", "dont_know_order"):
            return True
        if turn.intent == "ask_refund_method":
            named = "refund_method" in turn.entities or turn.says("refund_method") is not None
            return named and asked in ("yes", "refund_method")
        if turn.intent == "out_of_scope":
            return "size" in turn.entities and asked in ("size", "offer")  # "LLってある？"
        if turn.intent != "nlu_fallback":
            return False
        told = asked in ("condition", "problem", "at_once") and turn.says(asked) is not None
        told = told or (asked in ("article", "membership") and turn.says("nth") is not None)
        return told or bool(FACTS & turn.entities.keys()) or contact_of(self.turn, self.memory) is not None

    def _go_on(self) -> None:
        """Come back to what was asked before a question in between."""
        standing = self.memory["trouble"] is not None
        if not standing and (self._wishes_in_words() or self._takes_several()):
            return
        if not standing or self.turn.slot("call_wanted"):
            self.work.next = GOES_ON if standing else ENDS
            return
        if self.turn.answered and self.turn.intent != "nlu_fallback":
            self.speaker.say("back_again")
        self.work.consider()

    def _books_call(self) -> bool:
        """Book the call that waited for a phone number, and go on with the form."""
        number = self.turn.entity("phone_number")
        if not number or not self.turn.slot("call_wanted"):
            return False
        booked = callbacks.book(self.work.desk, self.turn.conversation, None, str(number))
        if not isinstance(booked, callbacks.Booked):
            return False
        self.memory["call_wanted"] = None
        self.speaker.say("call_booked", {"slot_at": booked.slot_at, "phone": booked.phone_end})
        if self.memory["trouble"] is not None:
            self.work.consider()
        return True

    def _wishes_in_words(self) -> bool:
        """Take up a wish that no intent stands for, where an order of the customer's makes sense of the words."""
        said = self.turn.says("wish")
        line = answers.order_open_to(self.work.desk, self.turn.conversation, said) if said else None
        if said is None or line is None:
            return False
        self._begin(said, line)
        self.work.consider()
        return True

    def _takes_several(self) -> bool:
        """Take up the wishes that the parts of a message tell, one now and the others afterwards."""
        memory, turn = self.memory, self.turn
        told = several.wishes(turn, several.bought_by(self.work.desk, turn))
        if memory["asked"] is not None:
            told = tuple(each for each in told if each.kind != "withdraw")
        if told and memory["proposal"] is not None and self._agrees_first():
            self._queue(*(each for each in told if self._is_more(each)))
            self.work.confirm(str(memory["proposal"]))
            return True
        unheard = memory["trouble"] is None and turn.intent not in KINDS
        if len(told) < 2 and not (told and unheard):
            return False
        first, *rest = told
        if rest:
            self.speaker.say("two_wishes")
        self._begin(first.kind, None)
        for name, value in {"contact": contact_of(self.turn, self.memory), **first.hints}.items():
            memory[name] = value
        memory["later"] = [each.slots for each in rest] or None
        self._say_sorry(first.kind)
        self.work.consider()
        return True

    def _agrees_first(self) -> bool:
        """Whether the message begins with a plain yes, and something else comes after it."""
        first = self.turn.parts[0]
        return first.intent == "affirm" and not CHANGES & first.entities.keys()

    def _is_more(self, told: several.Told) -> bool:
        """Whether a wish told with a yes is another than what it agrees to: "はい。ケトルは返品します" is none."""
        trouble, line = self.memory["trouble"], str(self.memory["line"])
        if (told.kind in several.OF_A_MEMBERSHIP) != (trouble in several.OF_A_MEMBERSHIP):
            return True
        meant = answers.lines_of_choice(self.work.desk, self.turn.conversation, line)
        mine = self.work.lines_named(str(told.hints.get("product") or ""))
        return not mine & meant if mine else told.added

    def _queue(self, *told: several.Told) -> None:
        self.memory["later"] = [*(self.memory["later"] or []), *(each.slots for each in told)] or None

    # ── a wish ─────────────────────────────────────────────────────────────────────────────────────────────

    def _hear_trouble(self, kind: str) -> None:
        """Take up a wish: the same one with more detail, one more, or a new one in place of what was talked about."""
        memory, standing = self.memory, self.memory["trouble"]
        if kind == "withdraw" and memory["asked"] is not None:
            self.work.drop()
            return
        if standing is not None and (self._comes_on_top(kind) or self._says_more(kind)):
            return
        chooses_size = standing == REORDER and kind in ("exchange", "wrong_size", REORDER)
        if kind != standing and not chooses_size:
            self._turn_to(kind)
        self._named_anew()
        self.work.consider()

    def _comes_on_top(self, kind: str) -> bool:
        """Keep a wish for afterwards that is said to come on top of the one that waits for a yes."""
        memory, turn = self.memory, self.turn
        if memory["proposal"] is None or memory["asked"] != "yes" or turn.says("adds") is None:
            return False
        hints = {name: values[0] for name, values in turn.entities.items() if name in HINTS}
        mine = self.work.lines_named(str(hints.get("product") or ""))
        number = str(memory["line"] or "").removeprefix("line:")
        other_article = bool(mine) and not (number.isdecimal() and int(number) in mine)
        of_membership = (kind in several.OF_A_MEMBERSHIP) != (memory["trouble"] in several.OF_A_MEMBERSHIP)
        if not (other_article or of_membership):
            return False
        self._queue(several.Told(kind, hints))
        self.speaker.say("queued")
        self.work.consider()
        return True

    def _says_more(self, kind: str) -> bool:
        """Hear more of the wish that is talked about: its reason, or what it is to lead to.

        "動きません" and then "返品したいです" or "同じものをください" is one wish; so is the other way round.
        """
        memory, standing = self.memory, self.memory["trouble"]
        another = memory["line"] is not None and self._names_another()
        if another or {"line", "membership"} & self.turn.entities.keys() or self.turn.says("other_one"):
            return False
        if standing in several.AT_FAULT and self._leads_from_a_fault(kind):
            if kind in ("exchange", REORDER):
                self.speaker.say("instead_of_exchange")
        elif standing in several.WITHOUT_REASON and kind in several.AT_FAULT and self._fits_what_is_known(kind):
            self.work.drop_proposal()
            memory["trouble"], memory["problem"] = kind, None
            self._say_sorry(kind)
        else:
            return False
        self._named_anew()
        self.work.consider()
        return True

    def _leads_from_a_fault(self, kind: str) -> bool:
        """Whether a wish is what a faulty article is to lead to; an order still to come can be canceled besides."""
        to_cancel = kind == "cancel" and not self.work.if_it_fits("cancel", self.memory["line"])
        return to_cancel or kind in ("change_of_mind", "exchange", REORDER)

    def _fits_what_is_known(self, kind: str) -> bool:
        line = self.memory["line"]
        return line is None or self.work.if_it_fits(kind, line) is not None

    def _turn_to(self, kind: str) -> None:
        """Begin a wish; where another was talked about, say that nothing of it was done."""
        memory, line = self.memory, self.memory["line"]
        if memory["trouble"] is not None:
            if memory["asked"] not in (None, "offer"):
                self.speaker.say("new_trouble")
            self._forget_all_but_this_message()
        memory["trouble"] = kind
        if kind == "withdraw" and self.turn.says("of_membership"):
            memory["membership"] = answers.membership_leaving(self.work.desk, self.turn.conversation)
        if not {"order_number", "product", "line", "membership"} & self.turn.entities.keys():
            memory["line"] = self._pointed_at() or self.work.if_it_fits(kind, line)
        self._say_sorry(kind)

    def _say_sorry(self, kind: str) -> None:
        reply = f"sorry_{self.memory['problem'] or kind}"
        if reply in self.speaker.book:
            self.speaker.say(reply)

    def _pointed_at(self) -> str | None:
        """Return what "that one" or "the other one" means: what was just talked about, or the only thing besides."""
        recent = self.turn.slot("recent")
        if recent is None:
            return None
        if self.turn.says("other_one"):
            return self.work.other_than(str(recent))
        return str(recent) if self.turn.says("same_again") else None

    def _forget_all_but_this_message(self) -> None:
        kept = {name: self.memory[name] for name in HINTS if name in self.turn.entities or name in self.memory.after}
        self.work.drop_proposal()
        self.memory.forget(*HINTS, *STANDING)
        for name, value in kept.items():
            self.memory[name] = value

    def _begin(self, kind: str, line: str | None) -> None:
        self.work.drop_proposal()
        self.memory.forget(*HINTS, *STANDING)
        self.memory["trouble"], self.memory["line"] = kind, line

    def _named_anew(self) -> None:
        """An article or order named in words stands in place of a choice pressed before."""
        if {"order_number", "product"} & self.turn.entities.keys() and "line" not in self.turn.entities:
            self.memory["line"] = None

    def _hear_fact(self) -> None:
        """A bare fact: the answer to what was asked, or the beginning of something not yet said."""
        wished = self.turn.entity("wish")
        if wished is not None:
            self._begin(str(wished), self.turn.entity("line") or self.memory["line"])
        elif self.memory["trouble"] is None:
            self.speaker.say("what_happened")
            return
        self._named_anew()
        self._other_one()
        self.work.consider()

    def _other_one(self) -> None:
        """Where the other one is meant, take it in place of what was proposed."""
        if self.turn.says("other_one") and not {"order_number", "product", "line"} & self.turn.entities.keys():
            self.memory["line"] = self._pointed_at() or self.memory["line"]

    # ── yes and no ─────────────────────────────────────────────────────────────────────────────────────────

    def _agree(self) -> None:
        memory = self.memory
        if memory["trouble"] is None and memory["proposal"] is None:
            self.speaker.say("affirm_nothing")
            ask_score_if_due(self.work.desk, self.turn, self.speaker)
        elif self.turn.says("yes_and_no"):
            self.speaker.say("not_understood_here")
            self.work.consider()
        elif memory["proposal"] is not None and not self._changes_something():
            self.work.confirm(str(memory["proposal"]))
        else:
            if memory["asked"] == "at_once":
                memory["at_once"] = memory["at_once"] or "true"
            if self._names_another():
                memory["line"] = None
            self.work.consider_or_confirm()

    def _refuse(self) -> None:
        memory = self.memory
        if memory["trouble"] is None:
            self.speaker.say("deny_nothing")
            ask_score_if_due(self.work.desk, self.turn, self.speaker)
        elif memory["asked"] == "at_once":
            memory["at_once"] = self.memory.after.get("at_once") or "false"
            self.work.consider()
        elif (self._changes_something() or self.turn.says("other_one")) and memory["asked"] != "offer":
            self._named_anew()
            self._other_one()
            self.work.consider()
        else:
            self.work.drop()

    def _changes_something(self) -> bool:
        return bool(CHANGES & self.turn.entities.keys()) or bool(
            {"refund_method", "condition", "whole_order"} & self.memory.after.keys()
        )

    def _names_another(self) -> bool:
        """Whether a yes comes with the number of an order, or with an article other than the one that is proposed."""
        if "order_number" in self.turn.entities:
            return True
        mine = self.work.lines_named(str(self.turn.entity("product") or ""))
        return bool(mine) and str(self.memory["line"]) not in {f"line:{number}" for number in mine}
