"""Questions that stand beside a wish: answered on the way, unless what comes of the wish says it anyway."""

from __future__ import annotations

from actions.resolutions import Resolution, offer_answer
from actions.several import SURE
from actions.slots import ASKED, Part, Turn
from madoguchi.services import answers
from madoguchi.services.wishes import Wish

NEVER_OF_THE_WISH = frozenset({"membership", "missing_mail"})
"""Questions that no proposal about an order answers."""


class OnTheWay:
    """The questions of one message that wishes for something besides."""

    def __init__(self, turn: Turn, work: Resolution) -> None:
        self.turn = turn
        self.work = work
        sure = [part for part in turn.parts if part.intent in ASKED and part.confidence >= SURE]
        asked = [part for part in sure if not part.says("keeps")]
        self.others = [part for part in asked if self._is_of_something_else(part)]
        self.same = [part for part in asked if part not in self.others]

    def answer_others(self) -> None:
        """Answer what is asked about something else than what is wished for."""
        for part in self.others:
            self._answer(part)

    def answer_same(self) -> None:
        """Answer what is asked about the wish itself; for a wish that led to nothing that would say it."""
        for part in self.same:
            self._answer(part)

    def _is_of_something_else(self, part: Part) -> bool:
        if ASKED[part.intent] in NEVER_OF_THE_WISH:
            return True
        mine = self._lines(part)
        return bool(mine) and any(not mine & self._lines(each) for each in self.turn.parts if self._lines(each))

    def _lines(self, part: Part) -> frozenset[int]:
        return self.work.lines_named(str(next(iter(part.entities.get("product", ())), "")))

    def _answer(self, part: Part) -> None:
        product = next(iter(part.entities.get("product", ())), None)
        line = None if product else self.work.memory["recent"]
        question = ASKED[part.intent]
        found = answers.answer(self.work.desk, self.turn.conversation, question, Wish(product=product, line=line))
        if found.reply != answers.UNPROVED:
            offer_answer(self.work.speaker, question, found)
        if question == "guarantee" and found.choices and self.work.memory["trouble"] is None:
            self.work.memory["trouble"], self.work.memory["asked"] = "guarantee", "offer"  # for a typed yes
            self.work.memory["line"] = found.choices[0].value
