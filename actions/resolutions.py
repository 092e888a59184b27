"""The one form: from what the talk has brought to a single call of `resolve`, and from its step to what is said.

Rasa calls `validate_resolution_form` whenever the form runs. It takes the turn, lets `resolve` consider the wish (or
perform what was agreed), says the step and answers whether the form goes on. Returning no slot at all makes Rasa try
its rules: that is how a question in between gets its own answer before the form goes on.
"""

from __future__ import annotations

from typing import Any

from rasa_sdk.events import SlotSet

from actions.base import DeskAction, Events
from actions.replies import HUMAN, NO, NONE_OF_THEM, REORDER, YES, Button, Speaker, inform
from actions.slots import FORM, HINTS, KINDS, RETURNING, STANDING, Memory, Turn
from madoguchi.services import answers, callbacks, handoffs, resolve
from madoguchi.services.wishes import REORDER as REORDER_KIND
from madoguchi.services.wishes import Ask, Done, HandOver, Propose, Tell, Wish

GOES_ON, ENDS = "answer", None
EXTRA_WAYS = {"propose_membership_refund": Button("button_gift_at_once", inform("refund_method", "gift_balance"))}
"""Proposals beside which a quicker way is offered."""
SOON = frozenset({"call_at", "notice", "score"})
"""Entities of buttons that belong to rules of their own."""
TWICE = 2


class ResolutionForm(DeskAction):
    """Takes a turn of the form."""

    NAME = f"validate_{FORM}"

    def act(self, turn: Turn, speaker: Speaker) -> Events:
        """Take the turn; no events at all where it is no answer to what was asked."""
        talk = Talk(self, turn, speaker)
        if not talk.take_turn():
            return []
        talk.memory["misses"] = talk.misses or None
        # Rasa leaves the turn to its rules unless some slot is set, so the state is told even where it stays.
        return [SlotSet("trouble", talk.memory["trouble"]), *talk.memory.events(), SlotSet("requested_slot", talk.next)]


class Talk:
    """One turn of the form at work: its memory of the wish, and where it goes from here."""

    def __init__(self, action: DeskAction, turn: Turn, speaker: Speaker) -> None:
        self.desk = action.desk
        self.turn = turn
        self.speaker = speaker
        self.memory = Memory(turn.slots)
        self.misses = int(turn.slot("misses") or 0)
        self.next: str | None = ENDS

    def take_turn(self) -> bool:
        """Answer the message; False where it is a question or a word that the rules answer."""
        if self.turn.returning:
            self._go_on()
            return True
        if self.turn.in_form and not self._is_mine():
            return False
        if self.misses and self.turn.intent != "nlu_fallback":
            self.misses = 0
        self._read_words()
        if self._wants_call() or self._changes_method():
            return True
        by_intent = {"affirm": self._agree, "deny": self._refuse}
        if self.turn.intent in KINDS:
            self._hear_trouble(KINDS[self.turn.intent])
        else:
            by_intent.get(self.turn.intent, self._hear_fact)()
        return True

    def _is_mine(self) -> bool:
        """Whether the message is a wish, an answer, or words that answer what was asked."""
        turn = self.turn
        if SOON & turn.entities.keys():
            return False
        if turn.intent in KINDS or turn.intent in ("affirm", "deny", "inform", "dont_know_order"):
            return True
        asked = self.memory["asked"]
        named = bool(
            {"order_number", "product", "size", "refund_method", "quantity", "phone_number"} & turn.entities.keys()
        )
        if turn.intent == "nlu_fallback":
            return (
                named
                or (asked in ("condition", "problem") and turn.says(asked) is not None)
                or self._contact() is not None
            )
        return False

    def _go_on(self) -> None:
        """Come back to what was asked before a question in between."""
        if self.memory["trouble"] is None or self.turn.slot("call_wanted"):
            self.next = GOES_ON if self.memory["trouble"] else ENDS
            return
        if self.turn.intent != "nlu_fallback":
            self.speaker.say("back_again")
        self._next_step()

    # ── what was said ──────────────────────────────────────────────────────────────────────────────────────

    def _read_words(self) -> None:
        """Note what the words say beside the intent: the condition, the problem, another card, the whole order."""
        turn, memory = self.turn, self.memory
        told = {topic: turn.says(topic) for topic in ("condition", "problem", "refund_method", "whole_order")}
        kind = KINDS.get(turn.intent, memory["trouble"])
        if told["condition"] and (kind in RETURNING or memory["asked"] == "condition"):
            memory["condition"] = told["condition"]
        if told["problem"] and (turn.intent == "exchange_item" or memory["asked"] == "problem"):
            memory["problem"] = told["problem"]
        if told["refund_method"]:
            memory["refund_method"] = told["refund_method"]
        if told["whole_order"]:
            memory["whole_order"] = True
        contact = self._contact()
        if contact is not None:
            memory["contact"] = contact
        self._read_several()

    def _read_several(self) -> None:
        """Where several orders or articles were named, take the first now and keep the others for afterwards."""
        turn, memory = self.turn, self.memory
        for name in ("order_number", "product"):
            values = list(dict.fromkeys(turn.entities.get(name, ())))
            if len(values) > 1 and turn.says("instead"):
                memory[name] = values[-1]
            elif len(values) > 1:
                memory[name] = values[0]
                memory["later"] = [{"slot": name, "value": value} for value in values[1:]]
                return

    def _contact(self) -> str | None:
        """Return the phone number or mail address that a visitor was asked for."""
        if self.memory["asked"] != "contact":
            return None
        number = self.turn.entity("phone_number")
        mail = next((word for word in self.turn.text.split() if "@" in word or "＠" in word), None)
        return str(number) if number else mail

    def _hear_trouble(self, kind: str) -> None:
        """Take up a wish: the same one with more detail, or a new one in place of what was talked about."""
        memory, standing = self.memory, self.memory["trouble"]
        if kind == "withdraw" and memory["asked"] is not None:
            self._drop()
            return
        chooses_size = standing == REORDER_KIND and kind in ("exchange", "wrong_size", REORDER_KIND)
        if standing is not None and not chooses_size and kind != standing:
            if memory["asked"] is not None:
                self.speaker.say("new_trouble")
            self._begin_anew()
        if standing is None or (kind != standing and not chooses_size):
            memory["trouble"] = kind
            self._as_before()
            self._say_sorry(kind)
        self._named_anew()
        self._next_step()

    def _begin_anew(self) -> None:
        """Forget the old wish but keep what this very message says."""
        kept = {name: self.memory[name] for name in HINTS if name in self.turn.entities or name in self.memory.after}
        self._drop_proposal()
        self.memory.forget(*HINTS, *STANDING)
        for name, value in kept.items():
            self.memory[name] = value

    def _as_before(self) -> None:
        """Where the words point back and name nothing, mean what was just talked about."""
        named = {"order_number", "product", "line", "membership"} & self.turn.entities.keys()
        if not named and self.turn.says("same_again"):
            self.memory["line"] = self.turn.slot("recent")

    def _named_anew(self) -> None:
        """An article or order named in words stands in place of a choice pressed before."""
        named = {"order_number", "product"} & self.turn.entities.keys()
        if named and "line" not in self.turn.entities:
            self.memory["line"] = None

    def _say_sorry(self, kind: str) -> None:
        reply = f"sorry_{self.memory['problem'] or kind}"
        if reply in self.speaker.book:
            self.speaker.say(reply)

    def _hear_fact(self) -> None:
        """A bare fact: the answer to what was asked, or the beginning of something not yet said."""
        wished = self.turn.entity("wish") or self._wished_in_words()
        if wished is not None:
            line = self.memory["line"]
            self._drop_proposal()
            self.memory.forget(*HINTS, *STANDING)
            self.memory["line"] = self.turn.entity("line") or line
            self.memory["trouble"] = wished
        elif self.memory["trouble"] is None:
            self.speaker.say("what_happened")
            return
        self._named_anew()
        self._next_step()

    def _wished_in_words(self) -> str | None:
        """Return a wish that no intent stands for, where an order of the customer's makes sense of the words."""
        said = self.turn.says("wish")
        order = answers.order_open_to(self.desk, self.turn.conversation, said) if said else None
        if order is None:
            return None
        self.memory["line"] = f"order:{order}"
        return said

    # ── yes and no ─────────────────────────────────────────────────────────────────────────────────────────

    def _agree(self) -> None:
        memory = self.memory
        key, asked = memory["proposal"], memory["asked"]
        if key is not None and not self._changes_something():
            self._confirm(str(key))
        elif asked == "at_once":
            memory["at_once"] = "true"
            self._next_step()
        elif memory["trouble"] is None:
            self.speaker.say("affirm_nothing")
        else:
            self._next_step()

    def _changes_something(self) -> bool:
        """Whether a yes or no brings something that was not known: "はい、でもカードで"."""
        said = {"refund_method", "size", "quantity", "product", "order_number", "line"} & self.turn.entities.keys()
        return bool(said) or "refund_method" in self.memory.after or "condition" in self.memory.after

    def _refuse(self) -> None:
        memory = self.memory
        if memory["asked"] == "at_once":
            memory["at_once"] = "false"
            self._next_step()
        elif memory["trouble"] is None:
            self.speaker.say("deny_nothing")
        elif self._changes_something() and memory["asked"] != "offer":
            self._named_anew()
            self._next_step()
        else:
            self._drop()

    def _drop(self) -> None:
        """Let go of the wish; nothing is changed."""
        reorder = self.memory["trouble"] == REORDER_KIND and self.turn.slot("recent") is not None
        self._drop_proposal()
        self.memory.forget(*HINTS, *STANDING)
        self.speaker.say("reorder_declined" if reorder else "dropped")
        self._take_up_later()

    def _drop_proposal(self) -> None:
        if self.memory["proposal"]:
            resolve.drop(self.desk, self.turn.conversation, str(self.memory["proposal"]))

    # ── the desk's steps ───────────────────────────────────────────────────────────────────────────────────

    def _next_step(self) -> None:
        """Let the desk consider the wish, and say what comes of it."""
        wish = self.memory.wish()
        self._follow(resolve.consider(self.desk, self.turn.conversation, wish), wish)

    def _follow(self, step: Ask | Propose | Tell | HandOver | Done, wish: Wish) -> None:
        match step:
            case Ask():
                self._ask(step)
            case Propose(key, reply, values):
                self._propose(key, reply, {**values, "new_method": wish.refund_method})
            case Tell(reply, values):
                self._tell(reply, values, wish)
            case HandOver(reason, values):
                self._hand_over(reason, {**values, "kind": wish.kind})
            case Done(reply, values, offer):
                self._done(reply, {**values, "new_method": wish.refund_method}, offer)

    def _ask(self, ask: Ask) -> None:
        memory = self.memory
        again = (
            memory["asked"] == ask.what and not self.turn.returning and self.turn.intent in ("inform", "nlu_fallback")
        )
        if again and not self.turn.entities:
            self.misses += 1
            if self.misses >= TWICE:
                self._hand_over("not_understood", {"asked": ask.what})
                return
            self.speaker.say("not_understood_here")
        memory["asked"], memory["proposal"], self.next = ask.what, None, GOES_ON
        refusals = {"article": [NONE_OF_THEM], "membership": [NONE_OF_THEM], "size": [NO]}
        buttons = refusals.get(ask.what, [])
        self.speaker.offer(ask.what, ask.reply, ask.values, ask.choices, buttons=buttons)

    def _propose(self, key: str, reply: str, values: dict[str, Any]) -> None:
        self.memory["asked"], self.memory["proposal"], self.next = "yes", key, GOES_ON
        extra = EXTRA_WAYS.get(reply)
        wished = self.memory["refund_method"]
        self.speaker.say(reply, values, buttons=[YES, *([extra] if extra and not wished else []), NO])

    def _tell(self, reply: str, values: dict[str, Any], wish: Wish) -> None:
        conversation = self.turn.conversation
        if reply == "proposal_changed":
            self.speaker.say(reply, values)
            self._next_step()
            return
        if reply == "nothing_fits" and wish.kind == "withdraw":
            canceled = answers.order_open_to(self.desk, conversation, "withdraw")
            if canceled is not None:
                self.memory["line"] = f"order:{canceled}"
                self._next_step()
                return
        offers = tuple(values.get("offers") or ())
        human = [HUMAN] if "human" in offers or reply in ("unknown_order", "no_orders", "no_membership") else []
        self.speaker.say(reply, values, buttons=human)
        if reply == "wait_notices_conflict" or reply == "done_conflict_freeze":
            self._show_notices(wish)
        self._remember()
        self.memory.forget(*HINTS, *STANDING)
        if "reorder_same" in offers and wish.line:
            self._offer(Wish(kind=REORDER_KIND, line=wish.line))
            return
        self._take_up_later()

    def _done(self, reply: str, values: dict[str, Any], offer: Wish | None) -> None:
        self.speaker.say(reply, values)
        self._remember()
        self.memory.forget(*HINTS, *STANDING)
        if reply == "done_close" and values.get("case"):
            self._ask_score(str(values["case"]))
        if offer is not None:
            self.memory["recent"] = offer.line
            self._offer(offer)
        else:
            self._take_up_later()

    def _offer(self, offer: Wish) -> None:
        """Offer a reorder as a question of its own, so that a second yes to the sentence before orders nothing."""
        self.memory.take_up(offer)
        if offer.problem == "wrong_size":
            self._next_step()
            return
        self.memory["asked"], self.next = "offer", GOES_ON
        self.speaker.say("offer_reorder", buttons=[REORDER, NO])

    def _confirm(self, key: str) -> None:
        done = resolve.confirm(self.desk, self.turn.conversation, key)
        self._follow(done, self.memory.wish())

    def _hand_over(self, reason: str, note: dict[str, Any]) -> None:
        promise = handoffs.hand_over(self.desk, self.turn.conversation, reason, readable(note))
        say_promise(self.speaker, reason, promise, note)
        self.memory.forget(*HINTS, *STANDING, "later")
        self.misses, self.next = 0, ENDS

    def _take_up_later(self) -> None:
        """Go on with the other order or article that was named together with this one."""
        later = self.memory["later"] or []
        kind = KINDS.get(self.turn.intent) or self.turn.slot("trouble")
        if not later or kind in (None, REORDER_KIND):
            return
        first, *rest = later
        self.memory["later"] = rest or None
        self.memory["trouble"] = kind
        self.memory[first["slot"]] = first["value"]
        self.speaker.say("next_wish")
        self._next_step()

    def _remember(self) -> None:
        """Keep what was talked about, for "それ" and "さっきの"."""
        line = self.memory["line"]
        if line is not None:
            self.memory["recent"] = line

    def _show_notices(self, wish: Wish) -> None:
        found = answers.notices_of_order(self.desk, self.turn.conversation, wish)
        if found.choices:
            self.speaker.offer("notice", found.reply, found.values, found.choices)

    def _ask_score(self, case: str) -> None:
        numbers = [{"title": str(value), "payload": inform("score", f"{case}:{value}")} for value in range(11)]
        self.speaker.say("score_question", choices=numbers)

    # ── calls and methods in between ───────────────────────────────────────────────────────────────────────

    def _wants_call(self) -> bool:
        """Book the call that waited for a phone number, and go on with the form."""
        number = self.turn.entity("phone_number")
        if not number or not self.turn.slot("call_wanted"):
            return False
        booked = callbacks.book(self.desk, self.turn.conversation, None, str(number))
        if not isinstance(booked, callbacks.Booked):
            return False
        self.memory["call_wanted"] = None
        self.speaker.say("call_booked", {"slot_at": booked.slot_at, "phone": booked.phone_end})
        if self.memory["trouble"] is not None:
            self._next_step()
        return True

    def _changes_method(self) -> bool:
        """Let a wish for another way of refund change what is already promised, where nothing else is talked about."""
        method = self.memory["refund_method"]
        if (
            self.memory["trouble"] is not None
            or method is None
            or self.turn.intent not in ("inform", "ask_refund_method")
        ):
            return False
        wish = Wish(kind="change_refund_method", refund_method=str(method))
        step = resolve.consider(self.desk, self.turn.conversation, wish)
        if isinstance(step, Tell) and step.reply in ("nothing_fits", "declined_nothing_to_change", "no_orders"):
            return False
        self.memory["trouble"] = "change_refund_method"
        self._follow(step, wish)
        return True


def readable(note: dict[str, Any]) -> dict[str, Any]:
    """Return a note for the summary as plain JSON values."""
    return {name: value if isinstance(value, str | int | bool | None) else str(value) for name, value in note.items()}


def say_promise(speaker: Speaker, reason: str, promise: handoffs.Promise, values: dict[str, Any]) -> None:
    """Say why a human takes over, and by when they will answer."""
    reply = f"agent_{reason}"
    speaker.say(reply if reply in speaker.book else "agent_no_rule", values)
    when = "already" if promise.already else "in_hours" if promise.in_hours else "out_of_hours"
    speaker.say(f"handed_over_{when}", {"answer_by": promise.answer_by})
