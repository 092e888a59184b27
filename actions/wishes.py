"""What a message wishes for: a wish in words, several at once, one more, more of the same, or a new one instead."""

from __future__ import annotations

from typing import Any

from actions import several, spoken
from actions.reading import contact_of
from actions.replies import Speaker
from actions.resolutions import Resolution
from actions.slots import HINTS, KINDS, PLAINLY, STANDING, Memory, Part, Turn
from madoguchi.services import answers, resolve
from madoguchi.services.wishes import REORDER, Propose, Wish

CHANGES = frozenset({"refund_method", "size", "quantity", "product", "order_number", "line"})
"""Entities with which a yes or a no brings something else: "はい、でもカードで"."""

CHANGE_WAY = "change_refund_method"
"""The wish to have promised money come back another way."""
SAID_BESIDE = ("condition", "problem", "refund_method")
"""What another part of a message may say of the one wish in it."""
COURTESIES = frozenset({"greet", "thank"})
"""What may stand before a yes: "おはようございます。はい、お願いします"."""
FAREWELLS = frozenset({"goodbye"})
"""Intents of words that agree to nothing by themselves."""
AGAINST = frozenset({"deny", "withdraw_request", "request_agent", "request_callback", "complain"})
"""Intents that take a yes back, or at least leave it open, when they come after it."""


class Wishes:
    """Takes up what one message wishes for."""

    def __init__(self, turn: Turn, speaker: Speaker, memory: Memory, work: Resolution) -> None:
        """Hold the message, whoever speaks, what is remembered and what is talked about."""
        self.turn = turn
        self.speaker = speaker
        self.memory = memory
        self.work = work

    def take_words(self) -> bool:
        """Take up a wish that no intent stands for, where an order of the customer's makes sense of the words."""
        said = self.turn.says("wish")
        line = answers.order_open_to(self.work.desk, self.turn.conversation, said) if said else None
        if said is None or line is None:
            return False
        self.begin(said, line)
        self.work.consider()
        return True

    def take_several(self) -> bool:
        """Take up the wishes that the parts of a message tell, one now and the others afterwards."""
        memory, turn = self.memory, self.turn
        told = several.wishes(turn, several.bought_by(self.work.desk, turn))
        if self._is_asked():
            told = tuple(each for each in told if each.kind != "withdraw")
        if memory["proposal"] is not None and (self.agrees_and_goes_on() or (told and self._agrees_first())):
            self._queue(*(each for each in told if self._is_more(each)))
            self.work.confirm(str(memory["proposal"]))
            return True
        if len(told) < 2 and not (told and self._is_unheard(told[0])):
            return False
        first, *rest = told
        if rest:
            self.speaker.say("two_wishes")
        beside = {} if rest else {name: memory.after[name] for name in SAID_BESIDE if memory.after.get(name)}
        if not rest and self.turn.entity("refund_method") is not None:
            beside = {"refund_method": self.turn.entities["refund_method"][-1], **beside}
        self.begin(first.kind, None)
        for name, value in {"contact": contact_of(self.turn, self.memory), **beside, **first.hints}.items():
            memory[name] = value
        memory["later"] = [*(each.slots for each in rest), *self._still_later(told)] or None
        self._say_sorry(first.kind)
        self.work.consider()
        return True

    def take(self, kind: str) -> None:
        """Take up a wish: the same one with more detail, one more, or a new one in place of what was talked about."""
        memory, kind = self.memory, spoken.kind_meant(self.turn, self.work, kind, asked=self._is_asked())
        standing = memory["trouble"]
        if self._is_asked() and (kind == "withdraw" or (kind == standing and turn_down(self.turn))):
            self._let_go(kind)
            return
        if self._is_agreed_by(kind):
            self.work.consider_or_confirm()
            return
        if memory.after.get("later"):
            self.speaker.say("two_wishes")
        if memory["proposal"] is not None and (self._corrects_the_article() or self._corrects_itself(kind)):
            self.work.consider()
            return
        if standing is not None and (self._comes_on_top(kind) or self._says_more(kind)):
            return
        # "Mを一着注文いたします" answers the question for the size, whatever else it sounds like.
        answers_size = memory["asked"] == "size" and "size" in self.turn.entities and not self.turn.says("cancels")
        chooses_size = standing == REORDER and (answers_size or kind in ("exchange", "wrong_size", REORDER))
        if kind != standing and not chooses_size:
            self._turn_to(kind)
        self.named_anew()
        self.consider_again()

    def take_way(self) -> bool:
        """Change the way of the money just promised, where one is named while a reorder is offered."""
        memory, turn = self.memory, self.turn
        method = memory.after.get("refund_method") or turn.entity("refund_method")
        if memory["trouble"] != REORDER or method is None or turn.intent in ("affirm", "reorder_item"):
            return False
        recent = turn.slot("recent")
        wish = Wish(kind=CHANGE_WAY, line=str(recent) if recent else None, refund_method=str(method))
        step = resolve.consider(self.work.desk, turn.conversation, wish)
        if not isinstance(step, Propose):
            return False
        self.begin(CHANGE_WAY, wish.line)
        memory["refund_method"] = method
        self.work.follow(step, wish)
        return True

    def agrees_and_goes_on(self) -> bool:
        """Whether a plain yes to the proposal comes first, and nothing after it takes it back or changes it."""
        if self.memory["asked"] != "yes" or len(self.turn.parts) < 2 or not self._agrees_first():
            return False
        if self.turn.says("yes_and_no"):
            return False
        return not any(_is_against(part) for part in self.turn.parts[1:])

    def consider_again(self) -> None:
        """Consider the wish as it is now; "では返品でお願いします" is a yes where nothing about it is new."""
        # "じゃあこれで" with which a customer leaves agrees to nothing.
        agrees = self.turn.says("goes_ahead") or self.turn.says("starts_with_yes")
        if self.memory["proposal"] is not None and agrees and self.turn.intent not in FAREWELLS:
            self.work.consider_or_confirm()
        else:
            self.work.consider()

    def begin(self, kind: str, line: str | None) -> None:
        """Begin a wish about a line, with nothing known of it yet."""
        self.work.drop_proposal()
        self.memory.forget(*HINTS, *STANDING)
        self.memory["trouble"], self.memory["line"] = kind, line

    def named_anew(self) -> None:
        """Let an article or order named in words stand in place of a choice pressed before."""
        if {"order_number", "product"} & self.turn.entities.keys() and "line" not in self.turn.entities:
            self.memory["line"] = None

    def other_one(self) -> None:
        """Take the other one in place of what was proposed, where that is meant."""
        if self.turn.says("other_one") and not {"order_number", "product", "line"} & self.turn.entities.keys():
            self.memory["line"] = self._pointed_at() or self.memory["line"]

    def names_another(self) -> bool:
        """Whether a yes comes with the number of an order, or with an article other than the one that is proposed."""
        if "order_number" in self.turn.entities:
            return True
        mine = self.work.lines_named(str(self.turn.entity("product") or ""))
        return bool(mine) and str(self.memory["line"]) not in {f"line:{number}" for number in mine}

    def _corrects_the_article(self) -> bool:
        """Take the other one in place of what is proposed: "間違えました、もう一つの方です" is no new wish."""
        named = {"order_number", "product", "line"} & self.turn.entities.keys()
        if named or not self.turn.says("other_one") or not self.turn.says("corrects"):
            return False
        self.memory["line"] = self._pointed_at()
        return True

    def sends_other_back(self) -> bool:
        """Send back the other article, where another one of the first is only offered: "もう一つのほうも返します"."""
        memory, turn = self.memory, self.turn
        offered = memory["trouble"] == REORDER and memory["asked"] == "offer"
        known = turn.intent in KINDS or {"order_number", "product", "line"} & turn.entities.keys()
        if not offered or known or turn.says("other_one") is None or turn.says("sends_back") is None:
            return False
        self.begin("change_of_mind", None)
        memory["line"], memory["condition"] = self._pointed_at(), turn.says("condition")
        self.work.consider()
        return True

    def _is_agreed_by(self, kind: str) -> bool:
        """Whether a wish in bare words is what is proposed: "変えちゃってください", "即刻取り消して", "注文します"."""
        memory, turn = self.memory, self.turn
        same = {CHANGE_WAY: ("exchange",), "accidental_signup": ("cancel", "leave_membership"), REORDER: (REORDER,)}
        if memory["proposal"] is None or memory["asked"] != "yes" or kind not in same.get(str(memory["trouble"]), ()):
            return False
        if turn.entities or len(turn.parts) > 1 or not turn.typed or turn.says("does_it") is None:
            return False
        return not any(turn.says(topic) for topic in ("hesitates", "asks_back", "adds", "other_one"))

    def _corrects_itself(self, kind: str) -> bool:
        """Hear what corrects the wish that is proposed, in words that sound like another trouble.

        "言い間違えました、ボウルでした" names the article anew, "夫が箱を開けていました" its condition.
        """
        memory, turn = self.memory, self.turn
        if kind != "wrong_item" or turn.says("problem") is not None:
            return False
        if memory["trouble"] == "change_of_mind" and memory.after.get("condition"):
            return True
        if memory["trouble"] not in several.AT_FAULT or turn.says("corrects") is None or not self.names_another():
            return False
        memory["line"] = None
        return True

    def _is_unheard(self, told: several.Told) -> bool:
        """Whether a part tells a wish of which the whole message says nothing, beside a mere offer at most."""
        if self.turn.intent in KINDS:
            return False
        passes_over = self.memory["asked"] == "offer" and told.kind != REORDER and not self._agrees_first()
        return self.memory["trouble"] is None or passes_over

    def _still_later(self, told: tuple[several.Told, ...]) -> list[dict[str, Any]]:
        """Return the wishes kept for afterwards that are not told anew now."""
        now = [self.work.lines_named(str(each.hints.get("product") or "")) for each in told]
        kept = [(each, self.work.lines_named(str(each.get("product") or ""))) for each in self.memory["later"] or []]
        return [each for each, lines in kept if not any(lines & told_anew for told_anew in now)]

    def _agrees_first(self) -> bool:
        """Whether the message begins with a plain yes, and something else comes after it."""
        if self.turn.intent == "greet":
            return False  # "お世話になっております。…どうぞよろしくお願いいたします" is how a letter ends
        first = next((part for part in self.turn.parts if part.intent not in COURTESIES), self.turn.parts[0])
        plainly = first.confidence >= PLAINLY and first.says("says_yes") is not None and not first.added
        agrees = first.intent == "affirm" and (plainly or first.says("goes_ahead") is not None)
        return agrees and not CHANGES & first.entities.keys()

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
        another = memory["line"] is not None and self.names_another()
        if another or {"line", "membership"} & self.turn.entities.keys() or self.turn.says("other_one"):
            return False
        fault_told = standing == "exchange" and memory["problem"] in several.AT_FAULT
        if (standing in several.AT_FAULT or fault_told) and self._leads_from_a_fault(kind):
            if kind in ("exchange", REORDER):
                self.speaker.say("instead_of_exchange")
        elif standing in several.WITHOUT_REASON and kind in several.AT_FAULT and self._fits_what_is_known(kind):
            self.work.drop_proposal()
            memory["trouble"], memory["problem"] = kind, None
            self._say_sorry(kind)
        else:
            return False
        self.named_anew()
        self.consider_again()
        return True

    def _let_go(self, kind: str) -> None:
        """Drop the wish, unless the last word asks for it all the same: "今のは忘れてください。返品はお願いします"."""
        last = self.turn.parts[-1] if len(self.turn.parts) > 1 else None
        if self.memory["proposal"] is not None and last is not None and last.says("goes_ahead"):
            self.work.consider_or_confirm()
        elif kind == "withdraw" and self.memory["trouble"] == "leave_membership" and self.memory.after.get("at_once"):
            self.work.consider()  # "やっぱり今すぐやめます" takes back when it ends, not that it does
        else:
            self.work.drop()

    def _is_asked(self) -> bool:
        """Whether a wish waits for an answer of the customer's."""
        return self.memory["asked"] is not None and self.memory["trouble"] is not None

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
        if memory["trouble"] is not None and memory["trouble"] not in answers.OF_AN_ORDER:
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
        if reply in self.speaker.book and not self.speaker.has_just_said(reply):
            self.speaker.say(reply)  # once a case: who tells it again has heard it

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


def turn_down(turn: Turn) -> bool:
    """Whether what was wished for is named again only to say no to it: "取り消すのはよします"."""
    return turn.says("takes_back") is not None


def _is_against(part: Part) -> bool:
    if part.says("no_call"):
        return False  # "電話はかけてこないでくださいね" takes nothing back
    changed = CHANGES & part.entities.keys() or any(part.says(topic) for topic in ("condition", "refund_method"))
    return bool(changed) or part.intent in AGAINST or part.says("hesitates") is not None
