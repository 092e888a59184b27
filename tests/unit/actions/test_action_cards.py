"""The card of a long proposal says all that its sentence says: article, amount, whereto, when, and who pays."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from actions.replies import DOMAIN, ROWS, Phrasebook, phrases, proposal_card
from madoguchi.services.views import Money, Values

BOOK = Phrasebook(DOMAIN)
VALUES: Values = {
    "article": "加湿器",
    "amount": Money(9_800),
    "method": "card",
    "method_label": ("下4桁 1234",),
    "timing": "on_scan",
    "payer": "shop",
    "seller": "カメラ横丁",
    "deadline": datetime(2026, 11, 25, 6, 5, tzinfo=UTC),
    "days_from": 3,
    "days_to": 5,
    "refund_by_from": date(2026, 11, 26),
    "refund_by_to": date(2026, 11, 30),
}
SAID_AS = {"fee": "fee", "seller": "seller", "deadline": "deadline", "amount": "amount", "way": "way", "when": "when"}


def test_a_return_is_told_row_by_row() -> None:
    card = proposal_card("return", VALUES, BOOK)
    assert card is not None
    assert {row["label"]: row["value"] for row in card["rows"]} == {
        "お品物": "加湿器",
        "お返しする金額": "9,800円",
        "お返し先": "ご利用のカード（下4桁 1234）",
        "お返しの時期": "お返しは、お品物が倉庫に届いたその日です（カードへの反映は、その3〜5営業日後）。",
        "返送料": "返送料は当店が負担します（着払い）。",
    }
    assert card["question"].endswith("か。")


@pytest.mark.parametrize("name", ROWS)
def test_a_card_leaves_nothing_out_that_its_sentence_says(name: str) -> None:
    said = BOOK.placeholders(f"propose_{name}") & SAID_AS.keys()
    card = proposal_card(name, VALUES, BOOK)
    assert card is not None
    shown = str(card["rows"]) + card["note"]
    filled = phrases(VALUES, BOOK)
    assert [what for what in said if filled[what] not in shown] == []
    assert all(row["label"] for row in card["rows"])


def test_short_proposals_and_unknown_ones_have_no_card() -> None:
    for name in ("reorder", "withdraw", "close", "nothing"):
        assert proposal_card(name, VALUES, BOOK) is None


def test_every_card_is_that_of_a_proposal() -> None:
    named = {name.removeprefix("card_") for name in BOOK.names() if name.startswith("card_")}
    assert {name for name in named if not name.startswith("note_")} - {"question"} == set(ROWS)
    assert {name.removeprefix("note_") for name in named if name.startswith("note_")} <= set(ROWS)
