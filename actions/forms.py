"""The one form: hears what a turn brings and decides whether it is an answer, a new wish, a yes or a no.

Rasa calls `validate_resolution_form` whenever the form runs. Returning no slot at all makes Rasa try its rules: that is
how a question in between gets its own answer before the form goes on.
"""

from __future__ import annotations

from dataclasses import replace

from rasa_sdk.events import SlotSet

from actions import scoring
from actions.base import DeskAction, Events
from actions.calls import call_off
from actions.corrections import LEAVING, PUT_OFF, Corrections
from actions.mails import is_mail, send_again
from actions.on_the_way import OnTheWay
from actions.reading import contact_of, meant_instead, read
from actions.replies import Speaker
from actions.resolutions import ENDS, GOES_ON, PICKED, Resolution
from actions.several import WITHOUT_REASON
from actions.slots import ASKED, FORM, KINDS, LAST_TEXTS, OVER, RESUMED, RETURN_OFFERED, Memory, Turn
from actions.wishes import CHANGES, Wishes
from madoguchi.services import callbacks
from madoguchi.services.wishes import REORDER

FACTS = frozenset({"order_number", "product", "size", "refund_method", "quantity", "phone_number"})
"""Entities of typed words that can answer a question of the form."""
ASKED_IN_WORDS = frozenset({"condition", "problem", "at_once", "refund_method"})
"""Questions whose answers are topics of words.yml."""
OF_RULES = frozenset({"call_at", "notice", "score"})
"""Entities of buttons that belong to rules of their own."""


class ResolutionForm(DeskAction):
    """Takes a turn of the form."""

    NAME = f"validate_{FORM}"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Take the turn; no events at all where it is no answer to what was asked."""
        if turn.returning and turn.slot(RESUMED):
            return [SlotSet(RESUMED, None), SlotSet("requested_slot", _waits_for(turn.slot(RESUMED)))]
        memory = Memory(turn.slots)
        if turn.keeps_only:
            turn, memory["product"] = turn.without_kept(), None
        turn = meant_instead(self.desk, turn, memory)
        memory.forget(RESUMED)
        work = Resolution(self.desk, turn, speaker, memory)
        if not Hearing(turn, speaker, memory, work).take_turn():
            return []
        memory["misses"] = work.misses or None
        # Rasa leaves the turn to its rules unless some slot is set, so the trouble is told even where it stays.
        return [SlotSet("trouble", memory["trouble"]), *memory.events(), SlotSet("requested_slot", work.next)]


def go_on(action: DeskAction, turn: Turn, speaker: Speaker, events: Events) -> Events:
    """Let an open form go on behind what an action has just said, and return its events beside the action's.

    The engine then finds in the slot `RESUMED` what the form waits for and need not ask for it in a call of its own.
    """
    if not turn.in_form or any(event["event"] != "slot" for event in events):
        return events
    again = replace(
        turn,
        slots={**turn.slots, **{event["name"]: event["value"] for event in events}},
        returning=True,
        answered=bool(speaker.said),
        last_texts=(*turn.last_texts, *speaker.said)[-LAST_TEXTS:],
        bot_turns=turn.bot_turns + len(speaker.said),
    )
    form = ResolutionForm(action.desk, action.book)
    *gone_on, waits = form.act(again, Speaker(action.book, speaker.dispatcher, again))
    return [*events, *gone_on, SlotSet(RESUMED, waits["value"] or OVER)]


def _waits_for(resumed: str) -> str | None:
    return None if resumed == OVER else resumed


class Hearing:
    """What one message says to the form."""

    def __init__(self, turn: Turn, speaker: Speaker, memory: Memory, work: Resolution) -> None:
        self.turn = turn
        self.speaker = speaker
        self.memory = memory
        self.work = work
        self.wishes = Wishes(turn, speaker, memory, work)
        self.corrections = Corrections(turn, memory, work)

    def take_turn(self) -> bool:
        """Answer the message; False where it is a question or a word that the rules answer."""
        if self.turn.returning:
            self._go_on()
            return True
        if self.turn.in_form and not self._is_mine():
            return False
        self.work.misses = self.work.misses if self.turn.intent == "nlu_fallback" else 0
        if self._answers_aside():
            return True
        read(self.turn, self.memory, self.work)
        if self.corrections.take() or self._orders_nothing() or self.wishes.sends_other_back():
            return True
        if self._books_call() or self.wishes.take_words() or self.wishes.take_way() or self.wishes.take_several():
            return True
        if self.turn.intent in KINDS:
            beside = OnTheWay(self.turn, self.work)
            beside.answer_others()
            self.wishes.take(KINDS[self.turn.intent])
            if self.work.told:
                beside.answer_same()
        else:
            {"affirm": self._agree, "deny": self._refuse}.get(self.turn.intent, self._hear_fact)()
        return True

    def _is_mine(self) -> bool:
        """Whether the message is a wish, an answer, or words that answer what was asked."""
        turn, asked = self.turn, self.memory["asked"]
        if OF_RULES & turn.entities.keys():
            return False
        if turn.intent in LEAVING | {"withdraw_request"} and self.corrections.is_heard():
            return True
        if self._tells_another_condition():
            return True
        if turn.intent in KINDS or turn.intent in ("affirm", "deny", "inform", "dont_know_order"):
            return True
        if turn.intent == "ask_refund_method":
            named = "refund_method" in turn.entities or turn.says("refund_method") is not None
            named = named and not turn.says("asks_when")  # "カードにはいつ戻りますか" changes no way
            return named and (asked in ("yes", "refund_method") or self.memory["trouble"] == REORDER)
        if turn.intent == "out_of_scope":
            return "size" in turn.entities and asked in ("size", "offer")  # "LLってある？"
        if turn.intent != "nlu_fallback":
            return False
        told = asked in ASKED_IN_WORDS and turn.says(asked) is not None
        told = told or self.wishes.agrees_and_goes_on()
        told = told or (asked == "yes" and turn.says("goes_ahead") is not None)  # "全額なんですね。ではお願いします"
        told = told or (asked == "offer" and turn.says("sends_back") is not None)
        told = told or (asked in PICKED and turn.says("anger") is None)  # "800mlのほう": the choices know it
        return told or bool(FACTS & turn.entities.keys()) or contact_of(self.turn, self.memory) is not None

    def _tells_another_condition(self) -> bool:
        """Whether the state of the article is put right behind a proposal: "正直に言うと、もう二回使っています"."""
        told, memory = self.turn.says("condition"), self.memory
        waits = memory["asked"] == "yes" and memory["trouble"] in WITHOUT_REASON and self.turn.intent not in ASKED
        return waits and told is not None and memory["condition"] not in (None, told)

    def _go_on(self) -> None:
        """Come back to what was asked before a question in between."""
        standing = self.memory["trouble"] is not None
        if not standing:
            read(self.turn, self.memory, self.work)
        if not standing and (self._takes_the_return() or self.wishes.take_words() or self.wishes.take_several()):
            return
        if not standing or self.turn.slot("call_wanted"):
            self.work.next = GOES_ON if standing else ENDS
            return
        if self._orders_nothing():
            return
        if self.memory["asked"] == PUT_OFF or self.corrections.puts_off():
            self.corrections.wait()
            return
        if self.wishes.agrees_and_goes_on():
            self.work.confirm(str(self.memory["proposal"]))  # "お願いします。箱はどうすれば？", answered by now
            return
        if self._tells_another_condition():
            self.memory["condition"] = self.turn.says("condition")
        asked = self.memory["asked"]
        if asked in PICKED and self.turn.intent == "ask_order_status":
            self.memory["product"] = None  # "ところで碁石はいつ届きますか" asks of one thing and chooses none
        if asked in ASKED_IN_WORDS and (said := self.turn.says(asked)) is not None:
            self.memory[asked] = said  # "傷があったんですが、送料は？" answers what was asked and asks back
        if self.turn.answered and self.turn.intent != "nlu_fallback":
            self.speaker.say("back_again")
        self.wishes.consider_again()

    def _answers_aside(self) -> bool:
        """Take a score in words, a mail to send again, or a booked call back; what is talked about goes on."""
        if scoring.take_words(self.work.desk, self.turn, self.speaker, self.memory["asked"]):
            self.memory["asked"] = None
            return True
        mail = self.memory["asked"]
        if is_mail(mail) and self.turn.says("resend") and "product" not in self.turn.entities:
            send_again(self.work.desk, self.turn, self.speaker, str(mail))
            self.memory["asked"] = None
            return True
        if not call_off(self.work.desk, self.turn, self.speaker):
            return False
        others = [part for part in self.turn.parts if part.says("calls_off") is None and part.intent in KINDS]
        if self.memory["trouble"] is not None and not others:
            self.work.consider()
        return not others

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

    def _orders_nothing(self) -> bool:
        """Let go of the reorder that is offered, where the words say so whatever else they are taken for."""
        offered = self.memory["trouble"] == REORDER and self.memory["asked"] in ("offer", "size", "yes")
        named = {"product", "order_number", "line"} & self.turn.entities.keys()
        if not offered or named or self.turn.intent == "affirm" or self.turn.says("no_order") is None:
            return False
        self.work.drop()
        return True

    def _hear_fact(self) -> None:
        """A bare fact: the answer to what was asked, or the beginning of something not yet said."""
        wished = self.turn.entity("wish")
        if self._takes_the_return():
            return
        if wished is not None:
            self.wishes.begin(str(wished), self.turn.entity("line") or self.memory["line"])
        elif self.memory["trouble"] is None:
            said = self.turn.says("in_so_many_words")
            if said is not None:
                self.wishes.take(said)
            else:
                self.speaker.say("what_happened")
            return
        self.wishes.named_anew()
        self.wishes.other_one()
        self.wishes.consider_again()

    def _takes_the_return(self) -> bool:
        """Begin the return that a button had offered, at a typed yes or at the state of the article."""
        memory = self.memory
        offered = memory["asked"] == RETURN_OFFERED and memory["trouble"] is None
        if not offered or not (self.turn.intent == "affirm" or self.turn.says("condition")):
            return False
        recent, condition = memory["line"] or memory["recent"], self.turn.says("condition") or memory["condition"]
        self.wishes.begin("change_of_mind", str(recent) if recent else None)
        memory["condition"], memory["product"] = condition, self.turn.entity("product")
        self.work.consider()
        return True

    # ── yes and no ─────────────────────────────────────────────────────────────────────────────────────────

    def _agree(self) -> None:
        memory = self.memory
        if self._takes_the_return():
            return
        if memory["asked"] == "human" and not self._shows_proof():
            self.work.hand_over("requested", {"kind": memory["trouble"]})
        elif is_mail(memory["asked"]):
            send_again(self.work.desk, self.turn, self.speaker, str(memory["asked"]))
            memory["asked"] = None
        elif memory["trouble"] is None and memory["proposal"] is None:
            self.speaker.say("affirm_nothing")
            memory["asked"] = scoring.ask_if_due(self.work.desk, self.turn, self.speaker)
        elif self.turn.says("yes_and_no"):
            self.speaker.say("not_understood_here")
            self.work.consider()
        elif memory["proposal"] is not None and not self._changes_something():
            if self.turn.says("asks_back") or self.turn.says("begins_with_no"):
                self.work.consider()  # "全額戻るんですよね？" is no yes: the proposal says it once more
            else:
                self.work.confirm(str(memory["proposal"]))
        else:
            if memory["asked"] == "at_once":
                memory["at_once"] = memory["at_once"] or "true"
            if self.wishes.names_another():
                memory["line"] = None
            self.work.consider_or_confirm()

    def _refuse(self) -> None:
        memory = self.memory
        if memory["trouble"] is None and self.turn.says("stops_order"):
            self.wishes.take("cancel")  # "では遅いので、注文はやめておきます" after a question, not after a proposal
        elif memory["trouble"] is None:
            self.speaker.say("deny_nothing")
            memory["asked"] = scoring.ask_if_due(self.work.desk, self.turn, self.speaker)
        elif memory["proposal"] is not None and self.turn.says("asks_back"):
            self.work.consider()  # "半分しか戻らないのか" is no word against it yet
        elif memory["asked"] == "at_once":
            memory["at_once"] = self.memory.after.get("at_once") or "false"
            self.work.consider()
        elif (self._changes_something() or self.turn.says("other_one")) and memory["asked"] != "offer":
            self.wishes.named_anew()
            self.wishes.other_one()
            self.work.consider()
        else:
            self.work.drop()

    def _shows_proof(self) -> bool:
        """Whether a yes comes with what proves an order: "はい、090-…です"."""
        return "contact" in self.memory.after or "order_number" in self.turn.entities

    def _changes_something(self) -> bool:
        return bool(CHANGES & self.turn.entities.keys()) or bool(
            {"refund_method", "condition", "whole_order", "at_once"} & self.memory.after.keys()
        )
