"""What a message changes of the wish that waits for a yes: another article, the way as it was, or all of it later."""

from __future__ import annotations

from dataclasses import replace

from actions import choosing
from actions.resolutions import ENDS, GOES_ON, Resolution
from actions.slots import ASKED, KINDS, RETURNING, Memory, Turn
from madoguchi.services import answers, targets

CORRECTING = frozenset({"affirm", "deny", "inform", "nlu_fallback"})
"""Intents whose words may name another article than the one that is proposed: "うん、緑をお願い"."""
PUT_OFF = "later"
"""What is asked while a wish waits for the customer to come back: nothing."""
LEAVING = CORRECTING | {"goodbye", "thank", "greet"}
"""Intents with which a customer may put it off: "わかりました。主人に聞いてからまた来ます"."""


class Corrections:
    """Hears what one message changes of a proposal."""

    def __init__(self, turn: Turn, memory: Memory, work: Resolution) -> None:
        """Hold the message, what is remembered and what is talked about."""
        self.turn = turn
        self.memory = memory
        self.work = work

    def is_heard(self) -> bool:
        """Whether the message says anything of the kind."""
        return self.puts_off() or self._keeps_way() or self._other_article() is not None

    def take(self) -> bool:
        """Take what the message changes; False where it changes nothing."""
        if self.puts_off():
            self.wait()
            return True
        if self._keeps_way():
            self.memory["refund_method"] = self.turn.entities["refund_method"][-1]
        elif (other := self._other_article()) is not None:
            self.memory["line"], self.memory["product"], self.memory["order_number"] = other, None, None
        else:
            return False
        self.work.consider()
        return True

    def wait(self) -> None:
        """Keep the wish for when the customer comes back; nothing of it is proposed until then."""
        stands = self.memory["trouble"] is not None
        if self.memory["asked"] != PUT_OFF:
            self.work.drop_proposal()
            self.memory["asked"], self.memory["proposal"] = PUT_OFF if stands else None, None
            self.work.speaker.say("dropped")
        self.work.next = GOES_ON if stands else ENDS

    def puts_off(self) -> bool:
        """Whether the customer comes back once they have talked it over: no yes, whatever it begins with."""
        waits = self.memory["asked"] is not None and self.turn.intent in LEAVING
        return waits and self.turn.says("comes_back") is not None

    def _keeps_way(self) -> bool:
        """Whether the words let go of another way of the money, and of nothing else."""
        takes_back = self.turn.intent in ("withdraw_request", "deny", "nlu_fallback")
        named = self._waits() and takes_back and "refund_method" in self.turn.entities
        return named and self.turn.says("keeps_way") is not None

    def _other_article(self) -> str | None:
        """Return the article that is named in place of the proposed one: "取り消すのは緑のほうだった"."""
        turn, kind, line = self.turn, self.memory["trouble"], self.memory["line"]
        if not self._waits() or kind not in RETURNING or line is None or not self._may_correct():
            return None
        if turn.says("first_one"):
            return self.work.other_than(str(line))
        desk, talk = self.work.desk, turn.conversation
        told = [part.text for part in turn.parts if part.intent not in ASKED and not part.says("asks_back")]
        text = "。".join(told) if turn.parts else turn.text
        found = choosing.named_now(replace(turn, text=text), targets.articles(desk, talk, str(kind)))
        if found is None or answers.lines_of_choice(desk, talk, found.value) & answers.lines_of_choice(
            desk, talk, line
        ):
            return None
        return found.value

    def _may_correct(self) -> bool:
        turn = self.turn
        corrects = turn.intent in CORRECTING or (turn.intent == "withdraw_request" and turn.says("corrects"))
        wishes = turn.intent in CORRECTING and any(part.intent in KINDS for part in turn.parts)
        other = turn.says("adds") or turn.says("asks_back")
        named = choosing.may_name(turn) or turn.says("first_one")
        return bool(corrects) and not wishes and not other and bool(named)

    def _waits(self) -> bool:
        return self.turn.typed and self.memory["asked"] == "yes" and self.memory["proposal"] is not None
