"""From a wish to a single call of `resolve`, and from its step to what is said and remembered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from actions import scoring
from actions.choosing import by_day, named_now, picked, told_apart
from actions.replies import HUMAN, NO, NONE_OF_THEM, REORDER, YES, Button, Speaker, inform, proposal_card
from actions.slots import HINTS, KINDS, STANDING, Memory, Turn
from madoguchi.services import answers, handoffs, resolve, targets
from madoguchi.services.desk import Desk
from madoguchi.services.views import Answer, Choice, Values
from madoguchi.services.wishes import REORDER as REORDER_KIND
from madoguchi.services.wishes import Ask, Done, HandOver, Propose, Step, Tell, Wish

GOES_ON, ENDS = "answer", None
TWICE = 2
EXTRA_WAYS = {"propose_membership_refund": Button("button_gift_at_once", inform("refund_method", "gift_balance"))}
"""Proposals beside which a quicker way is offered."""
REFUSALS = {"article": (NONE_OF_THEM,), "membership": (NONE_OF_THEM,), "size": (NO,)}
"""Questions under which there is a way to say that nothing of it is meant."""
PICKED = frozenset({"article", "membership"})
"""Questions whose choices can be told by words as well as pressed."""
ALL_OF = 3
"""How many of the things shown may be taken together by one word: more are asked for one by one."""
LOST = frozenset({"unknown_order", "no_orders", "no_membership", "nothing_fits"})
"""Replies after which a human may be the quicker way."""
HUMAN_OFFERED = frozenset(
    {"unknown_order", "no_orders", "no_membership", "declined_window_ended", "declined_once_per_order"}
)
"""Replies whose last word is the offer of a human: a yes to them calls one."""
OF_A_REORDER = frozenset({"reorder_out_of_stock", "reorder_payment_refused"})
"""Replies that speak of the refund a failed reorder leaves as it is; without one they are said alone."""
NO_METHOD = "declined_refund_method_not_allowed"


class Resolution:
    """One turn's work on a wish: what the desk says of it, what is remembered, and whether the form goes on."""

    def __init__(self, desk: Desk, turn: Turn, speaker: Speaker, memory: Memory) -> None:
        self.desk = desk
        self.turn = turn
        self.speaker = speaker
        self.memory = memory
        self.misses = int(turn.slot("misses") or 0)
        self.next: str | None = ENDS
        self.told = False
        """Whether the wish ended with a plain word: a refusal, a wait, or something that is so already."""

    def consider(self) -> None:
        """Let the desk consider the wish as it is known now, and say what comes of it."""
        self.follow(self._considered(), self.memory.wish())

    def _considered(self) -> Step:
        step = resolve.consider(self.desk, self.turn.conversation, self.memory.wish())
        if isinstance(step, Ask) and self._picks(step):
            return resolve.consider(self.desk, self.turn.conversation, self.memory.wish())
        return step

    def _picks(self, ask: Ask) -> bool:
        """Take the choice that is told by words, "一番上の", "安いほう", where these choices had been shown."""
        if ask.what not in PICKED:
            return False
        if self.memory["asked"] == ask.what:
            choice = picked(self.turn, ask.choices)
        else:
            name = told_apart if self.memory["product"] else named_now
            choice = name(self.turn, ask.choices) or by_day(self.turn, ask.choices)
        if choice is None:
            return self._picks_all(ask)
        self.memory[_slot_of(choice)] = choice.value
        return True

    def _picks_all(self, ask: Ask) -> bool:
        """Take everything that was shown, one after the other: "両方", "どれも"."""
        if self.turn.says("all_of_them") is None or not 1 < len(ask.choices) <= ALL_OF:
            return False
        first, *rest = ask.choices
        kind, more = self.memory["trouble"], self.memory["later"] or []
        self.memory["later"] = [*({"trouble": kind, _slot_of(each): each.value} for each in rest), *more]
        self.memory[_slot_of(first)], self.memory["whole_order"] = first.value, None
        self.speaker.say("two_wishes")
        return True

    def consider_or_confirm(self) -> None:
        """Consider a wish that comes with a yes: where what was said with it changes nothing, the yes is the answer."""
        standing, step = self.memory["proposal"], self._considered()
        wish = self.memory.wish()
        # A number of units that the wish does not heed, because it is about a whole order, is no plain yes.
        unheeded = "quantity" in self.turn.entities and not (wish.line or "").startswith("line:")
        if isinstance(step, Propose) and step.intent_key == standing and not unheeded:
            self.confirm(str(standing))
        else:
            self.follow(step, wish)

    def confirm(self, key: str) -> None:
        """Perform what the customer said yes to."""
        self.follow(resolve.confirm(self.desk, self.turn.conversation, key), self.memory.wish())

    def follow(self, step: Step | Done, wish: Wish) -> None:
        """Say a step and remember where it leaves the talk."""
        match step:
            case Ask():
                self._ask(step)
            case Propose(key, reply, values):
                self._propose(key, reply, {**values, "new_method": wish.refund_method})
            case Tell(reply, values):
                self._tell(reply, values, wish)
            case HandOver(reason, values):
                self.hand_over(reason, {**values, "kind": wish.kind})
            case Done(reply, values, offer):
                self._done(reply, {**values, "new_method": wish.refund_method}, offer)

    def lines_named(self, product: str) -> frozenset[int]:
        """Return the lines of the customer's orders that these words name."""
        return answers.lines_named(self.desk, self.turn.conversation, product)

    def other_than(self, known: str) -> str | None:
        """Return the one thing that the wish can mean besides this one."""
        return targets.other_than(self.desk, self.turn.conversation, self.memory.wish(), known)

    def if_it_fits(self, kind: str, line: str | None) -> str | None:
        """Return the article talked about where another wish can be about it too."""
        return line if line and targets.fits(self.desk, self.turn.conversation, kind, str(line)) else None

    def drop(self) -> None:
        """Let go of the wish at the customer's word; nothing is changed."""
        wish = self.memory.wish()
        reorder = wish.kind == REORDER_KIND and answers.is_paid_back(self.desk, self.turn.conversation, wish)
        self.drop_proposal()
        self._remember({})
        self.memory.forget(*HINTS, *STANDING)
        self.speaker.say("reorder_declined" if reorder else "dropped")
        # Who lets go of a wish before it is proved that the order is theirs is not asked for the proof again.
        waiting = [each for each in self.memory["later"] or [] if each.get("trouble") not in answers.OF_AN_ORDER]
        self.memory["later"] = waiting or None
        self._take_up_later()

    def drop_proposal(self) -> None:
        """Take back the proposal that stands, if one does."""
        if self.memory["proposal"]:
            resolve.drop(self.desk, self.turn.conversation, str(self.memory["proposal"]))

    def hand_over(self, reason: str, note: Values) -> None:
        """Hand the conversation to a human and say by when they answer."""
        told = {**note, "later": json.dumps(self.memory["later"], ensure_ascii=False)} if self.memory["later"] else note
        promise = handoffs.hand_over(self.desk, self.turn.conversation, reason, readable(told))
        say_promise(self.speaker, reason, promise, note)
        self.memory.forget(*HINTS, *STANDING, "later")
        self.misses, self.next = 0, ENDS

    def _ask(self, ask: Ask) -> None:
        if self._asked_in_vain(ask):
            self.misses += 1
            if self.misses >= TWICE:
                self.hand_over("not_understood", {"asked": ask.what})
                return
            self.speaker.say("not_understood_here")
        self.memory["asked"], self.memory["proposal"], self.next = ask.what, None, GOES_ON
        self.speaker.offer(ask.what, ask.reply, ask.values, ask.choices, buttons=REFUSALS.get(ask.what, ()))

    def _asked_in_vain(self, ask: Ask) -> bool:
        """Whether the same was asked before and the answer told nothing."""
        turn = self.turn
        no_answer = turn.intent in ("inform", "nlu_fallback") and not turn.entities
        return self.memory["asked"] == ask.what and no_answer and not turn.returning

    def _propose(self, key: str, reply: str, values: Values) -> None:
        extra = EXTRA_WAYS.get(reply) if self.memory["refund_method"] is None else None
        self.memory["asked"], self.memory["proposal"], self.next = "yes", key, GOES_ON
        for name in ("line", "membership"):
            # What was named once stays meant, whatever article the next message speaks of besides.
            self.memory[name] = values.get(name)
        self._remember(values)
        card = proposal_card(reply.removeprefix("propose_"), values, self.speaker.book)
        self.speaker.say(reply, values, buttons=[YES, *([extra] if extra else []), NO], card=card)

    def _tell(self, reply: str, values: Values, wish: Wish) -> None:
        if reply == "proposal_changed":
            self.speaker.say(reply, values)
            self.consider()
            return
        if reply == NO_METHOD and wish.kind != "change_refund_method":
            # The way is refused, not the wish: it is proposed again the way that is open.
            self.speaker.say(reply, values)
            self.memory["refund_method"] = None
            self.consider()
            return
        if reply == "reorder_out_of_stock" and wish.size is not None and wish.problem == "wrong_size":
            self.speaker.say(reply, values)
            self.memory["size"] = None
            self.consider()
            return
        if reply == resolve.PROVED:
            self._answer(wish, str(wish.kind))
            return
        if reply == "nothing_to_withdraw" and self._of_a_canceled_order():
            return
        if reply == "no_membership" and wish.kind == "accidental_signup" and self._of_an_order_to_cancel():
            return
        self._say_as_it_is(reply, values, wish)

    def _answer(self, wish: Wish, question: str) -> None:
        """Answer the question of a visitor, who has shown that the order is theirs."""
        found = answers.answer(self.desk, self.turn.conversation, question, replace(wish, kind=None))
        offer_answer(self.speaker, question, found)
        self.memory.forget(*HINTS, *STANDING)
        if found.values.get("order_number"):
            self.memory["recent"] = f"order:{found.values['order_number']}"
        self._take_up_later()

    def _of_a_canceled_order(self) -> bool:
        """Where there is nothing to take back, the customer may mean a cancellation that was performed."""
        canceled = answers.order_open_to(self.desk, self.turn.conversation, "withdraw")
        if canceled is None:
            return False
        self.memory["line"] = canceled
        self.consider()
        return True

    def _of_an_order_to_cancel(self) -> bool:
        """Where there is no membership, what was ordered by mistake is an order that has not left yet."""
        if self.turn.says("of_membership") or not targets.articles(self.desk, self.turn.conversation, "cancel"):
            return False
        self.memory["trouble"] = "cancel"
        self.consider()
        return True

    def _say_as_it_is(self, reply: str, values: Values, wish: Wish) -> None:
        offers = values.get("offers") or ()
        offered = offers if isinstance(offers, tuple) else ()
        self.told = True
        if reply in OF_A_REORDER and not answers.is_paid_back(self.desk, self.turn.conversation, wish):
            reply = f"{reply}_alone"
        self.speaker.say(reply, values, buttons=[HUMAN] if "human" in offered or reply in LOST else [])
        if reply == "nothing_to_withdraw":
            # What was named besides is no other request: once is enough to be told that there is none.
            others = [each for each in self.memory["later"] or [] if each.get("trouble") != "withdraw"]
            self.memory["later"] = others or None
        if reply == "wait_notices_conflict":
            self._show_notices(wish)
        if reply == "unknown_order" and wish.contact is not None:
            self._wait_for_proof()
            return
        self._remember(values)
        line = values.get("line") or self.memory["line"]
        self.memory.forget(*HINTS, *STANDING)
        if "reorder_same" in offered and line is not None:
            self._offer(Wish(kind=REORDER_KIND, line=str(line)))
        elif self.memory["later"]:
            self._take_up_later()
        elif reply in HUMAN_OFFERED:
            self.memory["asked"] = "human"

    def _wait_for_proof(self) -> None:
        """Keep a visitor's wish whose proof was wrong: a mistyped phone number may follow rightly, by itself."""
        self.memory.forget("contact", "line")
        self.memory["asked"], self.next = "human", GOES_ON

    def _done(self, reply: str, values: Values, offer: Wish | None) -> None:
        self.speaker.say(reply, values)
        if reply == "done_conflict_freeze":
            self._show_notices(self.memory.wish())
        self._remember(values)
        self.memory.forget(*HINTS, *STANDING)
        if reply == "done_close" and values.get("case"):
            self.memory["asked"] = scoring.ask(self.speaker, str(values["case"]))
        if offer is not None:
            self.memory["recent"] = offer.line
            self._offer(offer)
        else:
            self._take_up_later()

    def _offer(self, offer: Wish) -> None:
        """Offer a reorder as a question of its own, so that a second yes to the sentence before orders nothing."""
        self.memory.take_up(offer)
        if offer.problem == "wrong_size":
            self.consider()
            return
        self.memory["asked"], self.next = "offer", GOES_ON
        self.speaker.say("offer_reorder", buttons=[REORDER, NO])

    def _take_up_later(self) -> None:
        """Go on with the next wish that was told together with this one."""
        later = self.memory["later"] or []
        if not later:
            return
        first, *rest = later
        kind = first.get("trouble") or KINDS.get(self.turn.intent) or self.turn.slot("trouble")
        self.memory["later"] = rest or None
        self.memory["trouble"] = kind
        for name, value in first.items():
            self.memory[name] = value
        if kind == REORDER_KIND and not {"product", "order_number", "line"} & first.keys():
            self.memory["line"] = self.memory["recent"]
        self.speaker.say("next_wish")
        self.consider()

    def _remember(self, values: Values) -> None:
        """Keep what was talked about, for words that point back to it."""
        line = values.get("line") or self.memory["line"]
        if line is not None:
            self.memory["recent"] = line

    def _show_notices(self, wish: Wish) -> None:
        """Show what each notice on the order said, and when."""
        found = answers.notices_of_order(self.desk, self.turn.conversation, wish)
        if found.choices:
            self.speaker.trace(found.reply, found.choices)


def offer_answer(speaker: Speaker, question: str, found: Answer) -> None:
    """Say the answer to a question: with the orders it can be about, or with the mails that can be sent again."""
    if question == "guarantee" and found.choices:
        wish = Button("button_guarantee", f'/inform{{"wish": "guarantee", "line": "{found.choices[0].value}"}}')
        speaker.say(found.reply, found.values, buttons=[wish])
    elif question == "missing_mail":
        speaker.offer("notice", found.reply, found.values, found.choices)
    else:
        speaker.offer(question, found.reply, found.values, found.choices, intent=f"ask_{question}")


def _slot_of(choice: Choice) -> str:
    """Return the slot in which a choice is remembered."""
    return "membership" if choice.value.startswith("membership:") else "line"


def readable(note: Values) -> dict[str, Any]:
    """Return a note for the summary as plain JSON values."""
    return {name: _plain(value) for name, value in note.items()}


def _plain(value: Any) -> str | int | bool | None:
    if isinstance(value, tuple):
        return " / ".join(map(str, value))
    return value if isinstance(value, str | int | bool | None) else str(value)


def say_promise(speaker: Speaker, reason: str, promise: handoffs.Promise, values: Values) -> None:
    """Say why a human takes over, and by when they will answer."""
    reply = f"agent_{reason}"
    speaker.say(reply if reply in speaker.book else "agent_no_rule", values)
    when = "already" if promise.already else "in_hours" if promise.in_hours else "out_of_hours"
    speaker.say(f"handed_over_{when}", {"answer_by": promise.answer_by})
