"""The form with intents given: what is a yes, a change, a new wish, and what happens exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from actions.forms import ResolutionForm
from actions.handoffs import BookCall, Complaint, HandOver, TwoMeanings
from actions.questions import AnswerQuestion
from engine.asides import ASIDES
from madoguchi.services.desk import Desk
from madoguchi.store import Conversation, Intent, Refund, Reorder, ReturnAuthorization
from tests.unit.actions.conftest import Talk

type Begin = Callable[..., Talk]
KETTLE = {"title": "電気ケトル", "category": "electronics", "price": 4980, "delivered": "-3d"}
LAMP = {"title": "デスクライト", "category": "furniture", "price": 6980, "delivered": "-3d"}
PLACED = {"title": "電気ケトル", "price": 4980, "placed": "-1h", "state": "placed"}


def count(desk: Desk, table: Any, *where: Any) -> int:
    """How many rows there are."""
    with desk.store.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def test_nothing_happens_before_the_yes(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    said = begun.hear("report_defect", "動きません")
    assert "4,980円" in said[-1]
    assert count(begun.desk, ReturnAuthorization) == 0


def test_a_yes_performs_what_was_proposed(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    begun.hear("affirm", "はい")
    assert count(begun.desk, ReturnAuthorization) == 1


def test_a_second_yes_orders_nothing(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    for intent in ("report_defect", "affirm", "affirm"):
        begun.hear(intent)
    assert count(begun.desk, ReturnAuthorization) == 1
    assert count(begun.desk, Reorder) == 0


def test_a_late_yes_after_a_new_session_means_the_sentence_it_answers(talk: Begin) -> None:
    begun = talk(orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい")
    begun.open, begun.events = False, []
    begun.hear("affirm", "はい")
    assert count(begun.desk, Refund) == 1


@pytest.mark.parametrize("intent", sorted(ASIDES))
def test_what_the_engine_does_not_ask_about_is_nothing_that_the_form_would_take(talk: Begin, intent: str) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    held = dict(begun.slots)
    for entities in ({}, {"refund_method": "gift_balance"}, {"size": "L", "product": "電気ケトル", "quantity": "1"}):
        assert begun.hear(intent, "カードで、電気ケトルのLを1つ", **entities) == []
    assert {name: begun.slots[name] for name in held} == held


@pytest.mark.parametrize("wish", ["return_item", "exchange_item", "reorder_item", "cancel_order"])
def test_a_wish_behind_its_reason_is_the_same_wish(talk: Begin, wish: str) -> None:
    begun = talk(orders={"one": KETTLE, "two": LAMP})
    begun.hear("report_defect", "ケトルが動きません", product="電気ケトル")
    said = begun.hear(wish)
    assert "ご返品" in said[-1]
    assert "電気ケトル" in said[-1]
    assert "送料は当店" in said[-1]
    assert not any("先ほど" in each for each in said)
    begun.hear("affirm", "はい")
    assert count(begun.desk, ReturnAuthorization, ReturnAuthorization.reason == "defect") == 1
    assert count(begun.desk, Reorder) == 0


def test_a_reason_behind_its_wish_is_the_same_wish_and_turns_it(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE, "two": LAMP})
    begun.hear("return_item", "ケトルを返品したい", product="電気ケトル")
    said = begun.hear("report_defect", "動かないんです")
    assert not any("先ほど" in each for each in said)
    assert "電気ケトル" in said[-1]
    assert "送料は当店" in said[-1]


def test_a_wish_about_another_article_is_another_wish(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE, "two": LAMP})
    begun.hear("report_defect", "ケトルが動きません", product="電気ケトル")
    begun.hear("return_item", "デスクライトを返品したい", product="デスクライト")
    assert begun.slots["trouble"] == "change_of_mind"


def test_an_order_still_to_come_can_be_canceled_besides(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE, "two": {**PLACED, "title": "加湿器"}})
    begun.hear("report_defect", "ケトルが動きません", product="電気ケトル")
    begun.hear("cancel_order", "加湿器はキャンセルで", product="加湿器")
    assert begun.slots["trouble"] == "cancel"


@pytest.mark.parametrize(
    ("said", "meant"), [("一番上の", "デスクライト"), ("2つ目のやつ", "電気ケトル"), ("一番下", "加湿器")]
)
def test_a_choice_is_told_by_its_place(talk: Begin, said: str, meant: str) -> None:
    third = {**KETTLE, "title": "加湿器", "delivered": "-5d"}
    begun = talk(orders={"a": {**LAMP, "delivered": "-1d"}, "b": KETTLE, "c": third})
    begun.hear("report_defect", "動きません")
    assert begun.slots["asked"] == "article"
    assert meant in begun.hear("nlu_fallback", said)[-1]


def test_a_place_where_nothing_was_shown_is_no_choice(talk: Begin) -> None:
    begun = talk(orders={"a": LAMP, "b": KETTLE})
    begun.hear("report_defect", "一番上のボタンが動きません")
    assert begun.slots["asked"] == "article"


def test_a_parcel_that_is_missed_is_one_of_the_latest(talk: Begin) -> None:
    begun = talk(orders={"now": {**KETTLE, "delivered": "-1d"}, "then": {**LAMP, "delivered": "-60d"}})
    assert "電気ケトル" in begun.hear("report_not_delivered", "配達済みなのに届いていません")[-1]


def test_a_size_asked_for_in_a_question_is_the_size_that_is_wanted(talk: Begin) -> None:
    pants = {"title": "ハーフパンツ", "category": "clothing", "price": 2980, "sizes": ["M", "L", "LL"]}
    begun = talk(products={"pants": pants}, orders={"one": {"product": "pants", "size": "L", "delivered": "-3d"}})
    begun.hear("report_wrong_size", "小さい")
    begun.hear("affirm", "はい")
    assert "LL" in begun.hear("out_of_scope", "LLってある？", size="LL")[-1]
    assert begun.hear("out_of_scope", "今日は暑いですね") == []


def test_contradicting_notices_are_shown_with_their_days(talk: Begin) -> None:
    notices = [
        {"subject": "品切れのお知らせ", "sender": "seller", "at": "-2d"},
        {"subject": "発送しました", "at": "-1h"},
    ]
    order = {**PLACED, "placed": "-4d", "state": None, "seller": True, "inquiry": {"asked": "-20h"}, "notices": notices}
    begun = talk(orders={"one": order})
    begun.hear("report_conflicting_notice", "品切れなのに発送された")
    replies = begun.replies(ResolutionForm, "affirm", "はい")
    steps = next(reply["custom"]["steps"] for reply in replies if reply.get("custom"))
    assert [step["label"] for step in steps] == ["品切れのお知らせ", "発送しました"]
    assert all(step["at"] for step in steps)


def test_a_no_changes_nothing(talk: Begin) -> None:
    begun = talk(orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい")
    begun.hear("deny", "いいえ")
    begun.hear("affirm", "はい")
    assert count(begun.desk, Refund) == 0
    assert count(begun.desk, Intent, Intent.recovery_point == "dropped") == 1


def test_a_change_inside_the_yes_is_proposed_first(talk: Begin) -> None:
    begun = talk(orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい")
    said = begun.hear("affirm", "はい、でもギフト残高で", refund_method="gift_balance")
    assert "ギフト残高" in said[-1]
    assert count(begun.desk, Refund) == 0
    begun.hear("affirm", "はい")
    assert count(begun.desk, Refund, Refund.destination == "gift_balance") == 1


def test_a_yes_that_repeats_the_article_is_a_yes(talk: Begin) -> None:
    begun = talk(orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい")
    first = begun.slots["proposal"]
    said = begun.hear("affirm", "はい、電気ケトルで", product="電気ケトル")
    assert begun.slots["proposal"] in (None, first)
    if begun.slots["proposal"] is not None:
        assert "4,980円" in said[-1]


def test_another_article_in_the_middle_takes_the_place_of_the_first(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE, "two": LAMP})
    begun.hear("report_defect", "ケトルが動きません", product="ケトル")
    said = begun.hear("inform", "やっぱりライトのほう", product="ライト")
    assert "デスクライト" in said[-1]
    begun.hear("affirm", "はい")
    with begun.desk.store.reading() as session:
        assert session.scalars(select(ReturnAuthorization)).one().refund_amount == 6980


def test_a_new_trouble_in_the_middle_is_taken_up_with_a_word(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE}, memberships={"content": {}})
    begun.hear("report_defect", "動きません")
    said = begun.hear("report_accidental_signup", "それより間違えて会員になった")
    assert any("手続きして" in text for text in said)
    assert "980円" in said[-1]
    begun.hear("affirm")
    assert count(begun.desk, ReturnAuthorization) == 0
    assert count(begun.desk, Refund) == 1


def test_a_question_is_left_to_the_rules_and_the_form_goes_on(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    assert begun.hear("ask_return_fee", "送料は?") == []
    begun.open = True
    begun.events.append({"event": "action", "name": "action_answer"})
    begun.events.append({"event": "bot", "text": "…"})
    said = begun.hear_again()
    assert "4,980円" in said[-1]


def test_never_mind_in_the_middle_changes_nothing(talk: Begin) -> None:
    begun = talk(orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい")
    said = begun.hear("withdraw_request", "やっぱりやめます")
    assert len(said) == 1
    assert "ご安心ください" in said[0]
    assert begun.slots["trouble"] is None
    begun.hear("affirm", "はい")
    assert count(begun.desk, Refund) == 0


def test_yes_and_no_at_once_is_no_yes(talk: Begin) -> None:
    begun = talk(orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい")
    said = begun.hear("affirm", "はい いいえ はい")
    assert "4,980円" in said[-1]
    assert count(begun.desk, Refund) == 0


def test_several_articles_are_served_one_after_the_other(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE, "two": LAMP})
    begun.hear("return_item", "ケトルとライト、未開封なので返品したい", product="ケトル")
    begun.slots["later"] = [{"product": "ライト", "condition": "unopened"}]
    begun.hear("affirm")
    begun.hear("affirm")
    assert count(begun.desk, ReturnAuthorization) == 2


def test_of_two_articles_one_instead_of_the_other_is_the_last(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE, "two": LAMP})
    said = begun.hear_entities(
        "report_defect", "ケトルじゃなくてライトが点きません", [("product", "ケトル"), ("product", "ライト")]
    )
    assert "デスクライト" in said[-1]
    assert not begun.slots.get("later")


@pytest.mark.parametrize("value", ["other", "100000000", "'; DROP TABLE orders; --", "refund_limit"])
def test_no_entity_can_be_what_the_policy_does_not_know(talk: Begin, value: str) -> None:
    begun = talk(orders={"one": KETTLE})
    said = begun.hear("report_defect", "動きません", refund_method=value, condition=value)
    assert "4,980円" in said[-1]
    assert count(begun.desk, ReturnAuthorization) == 0


def test_a_choice_of_somebody_elses_line_shows_nothing(talk: Begin) -> None:
    begun = talk(
        customers={"me": {}, "you": {"phone": "09033334444"}},
        orders={"mine": {**KETTLE, "customer": "me"}, "yours": {**LAMP, "customer": "you"}},
    )
    said = begun.hear("report_defect", "動きません", line=f"line:{begun.names['lines']['yours'][0]}")
    assert all("デスクライト" not in text for text in said)


def test_a_wish_for_a_human_hands_over(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.replies(HandOver, "request_agent", "人と話したい")
    with begun.desk.store.reading() as session:
        conversation = session.get_one(Conversation, begun.conversation)
        assert (conversation.owner, conversation.handoff_reason) == ("waiting", "requested")


def test_a_second_complaint_or_a_strong_one_hands_over(talk: Begin) -> None:
    mild, strong = talk(), talk()
    mild.replies(Complaint, "complain", "残念です")
    assert owner(mild) == "bot"
    mild.replies(Complaint, "complain", "本当に残念です")
    strong.replies(Complaint, "complain", "ふざけるな")
    assert [owner(mild), owner(strong)] == ["waiting", "waiting"]


def test_not_understood_twice_hands_over(talk: Begin) -> None:
    begun = talk()
    begun.replies(TwoMeanings, "nlu_fallback", "もごもご")
    assert owner(begun) == "bot"
    begun.replies(TwoMeanings, "nlu_fallback", "むにゃむにゃ")
    assert owner(begun) == "waiting"


def test_a_call_without_a_known_number_asks_for_it_and_then_books(talk: Begin) -> None:
    begun = talk(customers={"one": {"phone": None}})
    asked = begun.replies(BookCall, "request_callback", "電話してほしい")
    said = begun.hear("inform", "090-1234-9999です", phone_number="+819012349999")
    assert "番号" in asked[0]["text"]
    assert "9999" in said[0]


def test_another_way_of_a_promised_refund_is_proposed(talk: Begin) -> None:
    begun = talk(orders={"one": {**KETTLE, "returns": [{}]}})
    begun.replies(AnswerQuestion, "ask_refund_method", "ギフト残高に変えて", refund_method="gift_balance")
    assert begun.slots["trouble"] == "change_refund_method"
    begun.events.append({"event": "action", "name": "action_answer"})
    assert "ギフト残高" in begun.hear_again()[-1]
    begun.hear("affirm")
    with begun.desk.store.reading() as session:
        assert session.scalars(select(ReturnAuthorization)).one().method == "gift_balance"


def owner(begun: Talk) -> str:
    """Who owns the talk."""
    with begun.desk.store.reading() as session:
        return session.get_one(Conversation, begun.conversation).owner


def test_the_form_goes_on_in_the_very_call_that_answers_a_question(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "電源が入りません")
    said = begun.replies(AnswerQuestion, "ask_return_fee", "返送料はかかりますか")
    assert "送料" in said[0]["text"]
    assert "4,980円" in said[-1]["text"]
    assert begun.slots["resumed"] == "answer"
    begun.events.append({"event": "action", "name": "action_answer"})
    assert begun.hear_again() == [], "the engine asks no more, but who does gets nothing said twice"
    assert begun.slots["resumed"] is None
    assert begun.hear("affirm", "はい") != []


def test_a_mark_that_a_broken_turn_left_keeps_no_form_from_going_on(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "電源が入りません")
    begun.slots["resumed"] = "answer"
    begun.hear("inform", "ギフト残高で", refund_method="gift_balance")
    assert begun.slots["resumed"] is None
