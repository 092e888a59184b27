"""Turns of phrase that a form must not mishear: a yes with more behind it, numbers, corrections, offers passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from actions.questions import AnswerQuestion
from madoguchi.store import Refund, Reorder, ReturnAuthorization
from tests.unit.actions.conftest import Talk

type Begin = Callable[..., Talk]
KETTLE = {"title": "電気ケトル", "category": "electronics", "price": 4980, "delivered": "-3d"}
CUPS = {"title": "汁椀", "category": "kitchen", "price": 1000, "quantity": 4, "delivered": "-3d"}
TWO = {
    "delivered": "-3d",
    "lines": [
        {"title": "電気ケトル", "category": "electronics", "price": 4980},
        {"title": "デスクライト", "category": "home", "price": 6980},
    ],
}


def count(talk: Talk, table: Any) -> int:
    """How many rows there are."""
    with talk.desk.store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize(
    ("after", "intent", "agreed"),
    [
        ("箱はどうすればいいですか", "ask_return_procedure", 1),
        ("ほんとに困ってました", "nlu_fallback", 1),
        ("でもちょっと待って", "nlu_fallback", 0),
        ("やめておきます", "deny", 0),
    ],
)
def test_a_yes_with_more_behind_it_is_a_yes_unless_that_takes_it_back(
    talk: Begin, after: str, intent: str, agreed: int
) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    begun.hear_parts("nlu_fallback", ("affirm", "お願いします", {}), (intent, after, {}))
    assert count(begun, ReturnAuthorization) == agreed


@pytest.mark.parametrize(("said", "sure", "agreed"), [("ほな頼んます", 0.99, 1), ("待つのはかまいません", 0.83, 0)])
def test_among_other_words_only_a_plain_yes_agrees(talk: Begin, said: str, sure: float, agreed: int) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    begun.parts = [
        {"text": said, "intent": "affirm", "confidence": sure, "entities": []},
        {"text": "いつ載りますか", "intent": "nlu_fallback", "confidence": 0.4, "entities": []},
    ]
    begun.hear("nlu_fallback", f"{said}。いつ載りますか")
    assert count(begun, ReturnAuthorization) == agreed


def test_a_yes_with_a_question_is_performed_once_the_question_is_answered(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    begun.parts = [
        {"text": "お願いします", "intent": "affirm", "confidence": 0.9, "entities": []},
        {"text": "集荷は", "intent": "ask_return_procedure", "confidence": 0.9, "entities": []},
    ]
    begun.replies(AnswerQuestion, "ask_return_procedure", "お願いします。集荷は")
    begun.events.append({"event": "action", "name": "action_answer"})
    begun.open = True
    begun.hear_again()
    assert count(begun, ReturnAuthorization) == 1


def test_a_question_that_sounds_like_a_yes_moves_no_money(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    said = begun.hear("affirm", "全額戻るということですよね")
    assert "4,980円" in said[-1]
    assert count(begun, ReturnAuthorization) == 0


def test_the_same_wish_with_then_please_is_a_yes(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    begun.hear("return_item", "返品したいんです")
    assert count(begun, ReturnAuthorization) == 0
    begun.hear("return_item", "では返品でお願いします")
    assert count(begun, ReturnAuthorization) == 1


@pytest.mark.parametrize(
    ("text", "counts", "amount"),
    [
        ("4個買ったうちの1個が欠けていました", ("4", "1"), "1,000円"),
        ("もう1個欠けていました。返すのは2個です", ("1", "2"), "2,000円"),
        ("1個は使うので3個返します", ("1", "3"), "3,000円"),
        ("3個返します、1個は手元に置きます", ("3", "1"), "3,000円"),
        ("さっき1個と言いましたが2個とも欠けていました", ("1", "2"), "2,000円"),
    ],
)
def test_the_number_that_is_wished_for_counts(talk: Begin, text: str, counts: tuple[str, str], amount: str) -> None:
    begun = talk(orders={"one": CUPS})
    said = begun.hear_entities("report_defect", text, [("quantity", number) for number in counts])
    assert amount in said[-1]


def test_the_other_article_after_a_mistake_is_no_new_wish(talk: Begin) -> None:
    begun = talk(orders={"one": TWO})
    begun.hear("report_defect", "ケトルが動きません", product="ケトル")
    said = begun.hear("cancel_order", "すみません間違えました、もう一つの方です")
    assert "デスクライト" in said[-1]
    assert "6,980円" in said[-1]


def test_what_is_well_does_not_come_back(talk: Begin) -> None:
    begun = talk(orders={"one": TWO})
    found = [("product", "ケトル"), ("product", "ライト")]
    begun.hear_entities("report_defect", "ケトルが割れていました、ライトは無事です", found)
    begun.hear("affirm", "はい")
    begun.hear("deny", "いいえ")
    assert not begun.open


def test_two_articles_of_one_trouble_are_both_promised(talk: Begin) -> None:
    begun = talk(orders={"one": TWO})
    found = [("product", "ケトル"), ("product", "ライト")]
    said = begun.hear_entities("report_defect", "ケトルとライトが割れていました", found)
    assert any("一つずつ" in each for each in said)


def test_a_way_named_beside_the_offered_reorder_is_the_way_of_the_refund(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    begun.hear("affirm", "はい")
    found = [("refund_method", "original_payment"), ("refund_method", "gift_balance")]
    said = begun.hear_entities("ask_refund_method", "カードじゃなくてギフト残高で受け取れますか", found)
    assert "ギフト残高" in said[-1]
    begun.hear("affirm", "はい")
    with begun.desk.store.reading() as session:
        assert session.scalar(select(ReturnAuthorization.splits))[0]["method"] == "gift_balance"
    assert count(begun, Reorder) == 0
    assert count(begun, Refund) == 0


def test_a_wish_told_at_the_offer_of_a_reorder_is_taken_up(talk: Begin) -> None:
    begun = talk(orders={"one": TWO})
    begun.hear("report_defect", "ケトルが動きません", product="ケトル")
    begun.hear("affirm", "はい")
    said = begun.hear_parts(
        "inform", ("return_item", "次はライトの返品です", {"product": "ライト"}), ("inform", "未開封です", {})
    )
    assert "6,980円" in said[-1]
    assert "ご返品" in said[-1] or "お戻し" in said[-1]


def test_after_all_means_what_was_just_let_go(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE, "two": {**KETTLE, "title": "デスクライト"}})
    begun.hear("report_defect", "ケトルが動きません", product="ケトル")
    begun.hear("deny", "やめておきます")
    assert "電気ケトル" in begun.hear("report_defect", "動かないので、やっぱり返品します")[-1]


def test_a_yes_that_gives_thanks_is_a_yes(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    begun.message = {"intent": {"name": "thank"}, "entities": [], "text": "はい、ありがとうございます", "parts": []}
    begun.events += [{"event": "user"}, {"event": "action", "name": "utter_thank"}]
    begun.hear_again()
    assert count(begun, ReturnAuthorization) == 1


def test_an_answer_inside_a_question_is_heard(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("return_item", "返品したい")
    said = begun.replies(AnswerQuestion, "ask_return_fee", "未開封なんですけど、送料は?")
    assert "4,980円" in said[-1]["text"]


def test_when_the_money_reaches_the_card_is_asked_and_changes_no_way(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "電源が入りません")
    begun.hear("affirm", "はい")
    assert begun.slots["trouble"] == "reorder"
    question = ("ask_refund_method", "カードにはいつ頃もどります？")
    assert begun.hear(*question, refund_method="original_payment") == []
    said = begun.replies(AnswerQuestion, *question, refund_method="original_payment")
    assert begun.slots["trouble"] == "reorder"
    assert not any("変えます" in each["text"] for each in said)
