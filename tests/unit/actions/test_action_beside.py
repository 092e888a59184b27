"""What stands beside a wish, or is misread for another: questions, memberships by name, cancellations, what is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from actions.handoffs import BookCall
from actions.questions import AnswerQuestion
from madoguchi.store import Callback, Membership, OrderLine, Refund, Reorder
from tests.unit.actions.conftest import Talk
from tests.unit.actions.test_action_forms import count
from tests.unit.actions.test_action_visitors import OWNER, visit

__all__ = ["visit"]

type Begin = Callable[..., Talk]
PLACED = {"title": "電気ケトル", "price": 4980, "placed": "-1h", "state": "placed"}
SENT = {"title": "デスクライト", "category": "furniture", "price": 6980, "shipped": "-1d", "promised": "+1d"}
MANGA = {"title": "漫画読み放題（月額）", "price": 650, "joined": "-5d"}
RADIO = {"title": "朗読聴き放題", "price": 1200, "joined": "-5d"}


def ended(talk: Talk) -> int:
    """How many memberships have ended."""
    return count(talk.desk, Membership, Membership.state == "ended")


def test_a_question_about_another_order_is_answered_beside_the_wish(talk: Begin) -> None:
    begun = talk(orders={"one": PLACED, "two": SENT})
    wish = ("cancel_order", "ケトルは取り消しでお願いします", {"product": "電気ケトル"})
    said = begun.hear_parts(
        "cancel_order", wish, ("ask_order_status", "それとライトはいつ届く", {"product": "デスクライト"})
    )
    assert any("デスクライト" in each for each in said[:-1])
    assert "4,980円" in said[-1]


def test_a_question_about_the_wish_itself_is_answered_where_the_wish_leads_to_nothing(talk: Begin) -> None:
    returned = {"title": "電気ケトル", "price": 4980, "delivered": "-6d", "returns": [{"kind": "defect"}]}
    begun = talk(orders={"one": returned})
    asks = ("ask_refund_status", "返金はいつですか", {})
    said = begun.hear_parts(
        "report_defect", ("report_defect", "壊れたケトルを送りました", {"product": "電気ケトル"}), asks
    )
    assert "4,980円" in said[-1]


def test_what_is_to_stay_is_no_question(talk: Begin) -> None:
    begun = talk(memberships={"manga": MANGA, "radio": RADIO})
    keeps = ("ask_membership", "朗読聴き放題は残します", {})
    said = begun.hear_parts("cancel_membership", ("cancel_membership", "漫画読み放題だけ解約で", {}), keeps)
    assert "朗読" not in "".join(said)


def test_a_membership_is_known_by_its_name_in_the_message(talk: Begin) -> None:
    begun = talk(memberships={"manga": MANGA, "radio": RADIO})
    said = begun.hear("report_accidental_signup", "漫画読み放題に間違って入っていました")
    assert "650円" in said[-1]
    assert "朗読" not in said[-1]


def test_of_two_memberships_named_each_has_its_turn(talk: Begin) -> None:
    begun = talk(memberships={"manga": MANGA, "radio": RADIO})
    said = begun.hear("report_accidental_signup", "朗読聴き放題と漫画読み放題、両方とも間違いです")
    assert "1,200円" in said[-1]
    begun.hear("affirm", "はい")
    begun.hear("affirm", "はい")
    assert (ended(begun), count(begun.desk, Refund)) == (2, 2)


def test_of_two_memberships_one_that_goes_on_leaves_the_choice_to_the_customer(talk: Begin) -> None:
    begun = talk(memberships={"manga": MANGA, "radio": RADIO})
    begun.hear("report_accidental_signup", "朗読聴き放題は続けますが漫画読み放題は間違いです")
    assert begun.slots["asked"] == "membership"


def test_a_membership_that_is_to_stay_is_not_meant(talk: Begin) -> None:
    begun = talk(memberships={"manga": MANGA, "radio": RADIO})
    said = begun.hear("report_accidental_signup", "朗読聴き放題だけ間違いです。漫画読み放題は残します")
    assert "1,200円" in said[-1]
    begun.hear("affirm", "はい")
    assert ended(begun) == 1


@pytest.mark.parametrize("said", ["このケトルきゃんせるしたいでう", "ケトルのやつ。あれ取り消し", "取消希望です"])
def test_what_has_not_left_is_canceled_where_canceling_is_spoken_of(talk: Begin, said: str) -> None:
    begun = talk(orders={"one": PLACED})
    assert "4,980円" in begun.hear("report_wrong_item", said, product="電気ケトル")[-1]
    assert begun.slots["trouble"] == "cancel"


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (PLACED, "キャンセルしたくないのですが壊れていたら困ります"),
        ({**PLACED, "state": "delivered"}, "壊れていたのでキャンセルしたい"),
    ],
)
def test_a_fault_stays_a_fault(talk: Begin, order: dict[str, object], said: str) -> None:
    begun = talk(orders={"one": order})
    begun.hear("report_defect", said, product="電気ケトル")
    assert begun.slots["trouble"] != "cancel"


def test_what_is_to_stay_is_not_chosen(talk: Begin) -> None:
    lines = [{"title": title, "price": 1000} for title in ("まな板", "鍋つかみ", "ピーラー")]
    begun = talk(orders={"one": {"placed": "-1h", "state": "placed", "lines": lines}})
    begun.hear("cancel_order", "鍋つかみをキャンセルしたい", product="鍋つかみ")
    said = begun.hear("affirm", "まな板はそのまま届くんですよね", product="まな板")
    assert "鍋つかみ" in said[-1]
    begun.hear("affirm", "はい")
    assert count(begun.desk, OrderLine, OrderLine.canceled_quantity > 0, OrderLine.title == "鍋つかみ") == 1
    assert count(begun.desk, OrderLine, OrderLine.canceled_quantity > 0) == 1


def test_a_word_for_all_of_it_is_none_of_the_articles_that_were_bought(talk: Begin) -> None:
    lines = [{"title": title, "price": 1000} for title in ("まな板", "鍋つかみ", "ピーラー")]
    begun = talk(orders={"one": {"placed": "-1h", "state": "placed", "lines": lines}})
    named = [("product", "台所用品"), ("product", "鍋つかみ"), ("product", "ピーラー")]
    assert "鍋つかみ" in begun.hear_entities("cancel_order", "台所用品の、鍋つかみとピーラーを取り消したい", named)[-1]
    assert "ピーラー" in begun.hear("affirm", "はい")[-1]


def test_when_a_membership_ends_may_be_said_in_words_that_ask_for_the_money(talk: Begin) -> None:
    begun = talk(memberships={"one": {**RADIO, "joined": "-33d", "used": "-32d", "main": True}})
    begun.hear("cancel_membership", "やめたい")
    (said,) = begun.replies(AnswerQuestion, "ask_refund_status", "今すぐやめてお金を返してほしい")
    assert "1,200円" in said["text"]


@pytest.mark.parametrize(("order", "told"), [(PLACED, "ご負担はございません"), (SENT, "返送料はかかりません")])
def test_what_has_not_arrived_costs_nothing_to_send_back(talk: Begin, order: dict[str, object], told: str) -> None:
    begun = talk(orders={"one": order})
    begun.hear("cancel_order", "キャンセルしたい")
    begun.open = True
    assert told in begun.replies(AnswerQuestion, "ask_return_fee", "送料はかかりますか")[0]["text"]


def test_a_reorder_that_was_no_offer_is_let_go_without_a_word_of_refunds(talk: Begin) -> None:
    begun = talk(orders={"one": {"title": "電気ケトル", "price": 4980, "delivered": "-20d"}})
    begun.hear("reorder_item", "もう一つ注文したい")
    said = begun.hear("deny", "やめておきます")
    assert "ご返金" not in said[-1]
    assert count(begun.desk, Reorder) == 0


def test_a_number_beside_an_order_proves_it_and_is_no_wish_for_a_call(visit: Begin) -> None:
    begun = visit(customers=OWNER, orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい", order_number=begun.names["orders"]["one"])
    begun.open = True
    assert begun.replies(BookCall, "request_callback", "電話は090-2222-3333", phone_number="+819022223333") == []
    begun.events.append({"event": "action", "name": "action_book_call"})
    assert "4,980円" in begun.hear_again()[-1]
    assert count(begun.desk, Callback) == 0


def test_a_wish_to_be_called_on_a_number_is_one(visit: Begin) -> None:
    begun = visit(customers=OWNER, orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい", order_number=begun.names["orders"]["one"])
    begun.replies(BookCall, "request_callback", "090-2222-3333に電話ください", phone_number="+819022223333")
    assert count(begun.desk, Callback) == 1


def test_a_guarantee_that_was_paid_is_not_offered_again(talk: Begin) -> None:
    paid = {"inquiry": {"asked": "-5d", "deadline": "-3d"}, "guarantee": {"state": "granted"}, "seller": True}
    begun = talk(
        orders={"one": {"title": "木製ハープ", "price": 31000, "placed": "-8d", "state": "cancel_requested", **paid}}
    )
    said = begun.replies(AnswerQuestion, "ask_guarantee", "保証は使えますか")
    assert "31,000円" in said[0]["text"]
    assert not said[0]["buttons"]


HARP = {"title": "木製ハープ", "price": 31000, "placed": "-8d", "state": "cancel_requested", "seller": True}


@pytest.mark.parametrize("question", ["ask_refund_status", "ask_cancel_status", "ask_guarantee"])
def test_what_the_guarantee_has_paid_is_promised_to_nobody_again(talk: Begin, question: str) -> None:
    paid = {"inquiry": {"asked": "-5d", "deadline": "-3d"}, "guarantee": {"state": "granted"}}
    begun = talk(orders={"one": {**HARP, **paid}})
    said = begun.replies(AnswerQuestion, question, "カードにも返ってきますか")[0]["text"]
    assert "31,000円をギフト残高へお返ししております" in said


def test_a_seller_who_has_answered_is_no_warehouse_that_is_waited_for(talk: Begin) -> None:
    begun = talk(orders={"one": {**HARP, "inquiry": {"asked": "-40h", "answer": "other"}}})
    said = begun.replies(AnswerQuestion, "ask_refund_status", "返金はいつですか")[0]["text"]
    assert "倉庫" not in said
    assert "31,000円" in said


def test_a_cancellation_that_became_a_return_is_told_as_one(talk: Begin) -> None:
    returned = {"returns": [{"kind": "cancel", "route": "refuse_at_door"}]}
    begun = talk(orders={"one": {**SENT, **returned}})
    said = begun.replies(AnswerQuestion, "ask_cancel_status", "キャンセルできましたか")[0]["text"]
    assert "6,980円" in said
    assert "送料は当店" in said


def test_the_fee_of_a_membership_that_has_ended_is_told_with_its_refund(talk: Begin) -> None:
    begun = talk(memberships={"one": {**RADIO, "main": True}})
    begun.hear("report_accidental_signup", "間違えて登録しました")
    begun.hear("affirm", "はい")
    assert "1,200円" in begun.replies(AnswerQuestion, "ask_membership", "会費はいつ戻りますか")[0]["text"]


def test_a_reorder_that_fails_speaks_of_a_refund_only_where_there_is_one(talk: Begin) -> None:
    begun = talk(orders={"one": {"title": "電気ケトル", "price": 4980, "delivered": "-20d", "stock": 0}})
    said = begun.hear("reorder_item", "もう一つ注文したい")
    assert "在庫がなく" in said[-1]
    assert "ご返金" not in said[-1]


def test_a_canceled_order_is_told_to_be_canceled_with_what_was_paid_back(talk: Begin) -> None:
    begun = talk(orders={"one": {**PLACED, "placed": "-3d", "state": "canceled", "canceled_at": "-1d"}})
    said = begun.hear("cancel_order", "キャンセルしたい")
    assert "キャンセルはもう済んで" in said[-1]
    assert "4,980円" in said[-1]


@pytest.mark.parametrize(("named", "told"), [({"product": "電気ケトル"}, "当店が販売した"), ({}, "48時間")])
def test_the_guarantee_of_an_article_of_the_shop_itself(talk: Begin, named: dict[str, str], told: str) -> None:
    begun = talk(orders={"one": PLACED})
    assert told in begun.replies(AnswerQuestion, "ask_guarantee", "保証はありますか", **named)[0]["text"]


def test_a_refund_in_parts_stands_where_its_slowest_part_does(talk: Begin) -> None:
    paid = {"payments": [{"method": "gift_balance", "amount": 1000}, {"method": "card"}]}
    begun = talk(orders={"one": {**PLACED, **paid}})
    begun.hear("cancel_order", "キャンセルしたい")
    begun.hear("affirm", "はい")
    with begun.desk.store.writing() as session:
        parts = session.scalars(select(Refund).order_by(Refund.amount)).all()
        parts[0].state, parts[1].state = "settled", "sent"
    said = begun.replies(AnswerQuestion, "ask_refund_status", "お金はいつ入りますか")[0]["text"]
    assert "4,980円" in said
    assert "営業日" in said
