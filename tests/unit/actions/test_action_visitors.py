"""Visitors and offers: what proves an order, a question that waits for the proof, and a yes to an offered human."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from actions.handoffs import Complaint
from actions.questions import AnswerQuestion
from madoguchi.services.desk import Desk
from madoguchi.store import Conversation, Notice, Refund
from tests.unit.actions.conftest import Talk
from tests.unit.actions.test_action_forms import count

type Begin = Callable[..., Talk]
OWNER = {"owner": {"phone": "09022223333", "email": "mori-no-ki@example.jp"}}
PLACED = {"title": "電気ケトル", "price": 4980, "placed": "-1h", "state": "placed"}
LATE = {"title": "電気ケトル", "price": 4980, "delivered": "-40d"}


@pytest.fixture
def visit(talk: Begin) -> Begin:
    """Begin a talk in which nobody is signed in."""

    def begin(**scene: Any) -> Talk:
        begun = talk(**scene)
        with begun.desk.store.writing() as session:
            session.execute(update(Conversation).values(customer_id=None))
        return begun

    return begin


def owner_of(desk: Desk, conversation: str) -> str:
    """Who owns the talk."""
    with desk.store.reading() as session:
        return session.get_one(Conversation, conversation).owner


@pytest.mark.parametrize(
    "said",
    ["アドレスはmori-no-ki@example.jpです", "ＭＯＲＩ－ｎｏ－ｋｉ＠ｅｘａｍｐｌｅ．ｊｐ", "mori-no-ki@example.jp。"],
)
def test_a_mail_address_is_found_in_the_middle_of_a_sentence(visit: Begin, said: str) -> None:
    begun = visit(customers=OWNER, orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい", order_number=begun.names["orders"]["one"])
    assert "4,980円" in begun.hear("inform", said)[-1]


def test_a_mistyped_phone_number_may_be_followed_by_the_right_one_alone(visit: Begin) -> None:
    begun = visit(customers=OWNER, orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい", order_number=begun.names["orders"]["one"])
    refused = begun.hear("inform", "090-2222-4444", phone_number="+819022224444")
    assert "ケトル" not in "".join(refused)
    assert "4,980円" in begun.hear("inform", "090-2222-3333", phone_number="+819022223333")[-1]
    begun.hear("affirm", "はい")
    assert count(begun.desk, Refund) == 1


@pytest.mark.parametrize("question", ["order_status", "refund_status", "cancel_status", "missing_mail"])
def test_a_visitors_question_waits_for_the_proof_and_is_then_answered(visit: Begin, question: str) -> None:
    sent = {"template": "ordered", "at": "-1h"}
    begun = visit(customers=OWNER, orders={"one": {**PLACED, "notices": [sent]}})
    told = begun.replies(AnswerQuestion, f"ask_{question}", "どうなっていますか")
    assert told == []
    assert "ご注文番号" in begun.hear_again()[-1]
    assert "電話番号" in begun.hear("inform", "", order_number=begun.names["orders"]["one"])[-1]
    answered = begun.replies_of_form("inform", "090-2222-3333", phone_number="+819022223333")
    assert "ケトル" in str(answered) or "ご注文を承りました" in str(answered)
    assert begun.slots["trouble"] is None


def test_number_and_phone_in_the_question_itself_are_enough(visit: Begin) -> None:
    begun = visit(customers=OWNER, orders={"one": PLACED})
    found = {"order_number": begun.names["orders"]["one"], "phone_number": "+819022223333"}
    begun.replies(AnswerQuestion, "ask_order_status", "いつ届きますか", **found)
    assert "電気ケトル" in begun.hear_again()[-1]


def test_a_question_while_the_proof_is_wanted_is_answered_after_the_wish(visit: Begin) -> None:
    begun = visit(customers=OWNER, orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい", order_number=begun.names["orders"]["one"])
    (said,) = begun.replies(AnswerQuestion, "ask_refund_status", "いつ返金されますか")
    assert "電話番号" in said["text"]
    begun.hear("inform", "090-2222-3333", phone_number="+819022223333")
    assert "4,980円" in begun.hear("affirm", "はい")[-1]


def test_a_wish_after_a_question_keeps_the_order_that_was_named(visit: Begin) -> None:
    begun = visit(customers=OWNER, orders={"one": PLACED})
    begun.replies(AnswerQuestion, "ask_order_status", "いつ届きますか", order_number=begun.names["orders"]["one"])
    begun.hear_again()
    said = begun.hear("cancel_order", "やっぱり取り消したい。090-2222-3333", phone_number="+819022223333")
    assert "4,980円" in said[-1]


def test_a_yes_to_an_offered_human_calls_one(talk: Begin) -> None:
    begun = talk(orders={"one": LATE})
    begun.hear("return_item", "返品したい", product="電気ケトル")
    begun.hear("affirm", "はい、お願いします")
    assert owner_of(begun.desk, begun.conversation) == "waiting"


def test_a_yes_after_a_complaint_calls_a_human(talk: Begin) -> None:
    begun = talk(orders={"one": PLACED})
    begun.replies(Complaint, "complain", "対応が遅いです")
    begun.hear("affirm", "お願いします")
    assert owner_of(begun.desk, begun.conversation) == "waiting"


def test_a_no_or_a_question_lets_the_offered_human_go(talk: Begin) -> None:
    begun = talk(orders={"one": LATE})
    begun.hear("return_item", "返品したい", product="電気ケトル")
    begun.replies(AnswerQuestion, "ask_order_status", "いつ届いたんでしたっけ")
    begun.hear("affirm", "はい")
    begun.hear("return_item", "返品したい", product="電気ケトル")
    begun.hear("deny", "いえ、結構です")
    begun.hear("affirm", "はい")
    assert owner_of(begun.desk, begun.conversation) == "bot"


def test_a_yes_with_the_right_proof_is_no_wish_for_a_human(visit: Begin) -> None:
    begun = visit(customers=OWNER, orders={"one": PLACED})
    begun.hear("cancel_order", "キャンセルしたい", order_number=begun.names["orders"]["one"])
    begun.hear("inform", "090-2222-4444", phone_number="+819022224444")
    said = begun.hear("affirm", "はい、090-2222-3333でした", phone_number="+819022223333")
    assert "4,980円" in said[-1]


def test_a_typed_yes_takes_up_the_guarantee_that_is_due(talk: Begin) -> None:
    asked = {"inquiry": {"asked": "-50h"}, "seller": True, "state": "cancel_requested"}
    begun = talk(orders={"one": {"title": "双眼鏡", "price": 9000, "placed": "-4d", **asked}})
    begun.replies(AnswerQuestion, "ask_guarantee", "保証は使えますか")
    assert "9,000円" in begun.hear("affirm", "お願いします")[-1]


BOUNCED = {"template": "ordered", "delivery": "bounced", "at": "-1h"}


@pytest.mark.parametrize(("intent", "said"), [("affirm", "はい"), ("ask_missing_mail", "もう一度送っていただけますか")])
def test_a_bounced_mail_is_sent_again_at_a_typed_word(talk: Begin, intent: str, said: str) -> None:
    begun = talk(orders={"one": {**PLACED, "notices": [BOUNCED, {"template": "paid", "at": "-1h"}]}})
    begun.replies(AnswerQuestion, "ask_missing_mail", "確認メールが来ません")
    if intent == "affirm":
        begun.hear(intent, said)
        begun.hear(intent, said)
    else:
        begun.replies(AnswerQuestion, intent, said)
    assert count(begun.desk, Notice, Notice.resent_from.is_not(None)) == 1


def test_of_several_mails_none_is_sent_again_at_a_bare_yes(talk: Begin) -> None:
    begun = talk(
        orders={"one": {**PLACED, "notices": [{"template": name, "at": "-1h"} for name in ("ordered", "paid")]}}
    )
    begun.replies(AnswerQuestion, "ask_missing_mail", "メールが来ません")
    begun.hear("affirm", "はい")
    assert count(begun.desk, Notice, Notice.resent_from.is_not(None)) == 0
