"""What a message changes of the wish that waits for a yes: another article, the way as it was, all of it later."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from madoguchi.store import Order, ReturnAuthorization
from tests.unit.actions.conftest import Talk

type Begin = Callable[..., Talk]

GREEN = {"title": "緑のヨガマット", "category": "sports", "price": 4200, "placed": "-2h", "state": "placed"}
PURPLE = {"title": "紫のヨガマット", "category": "sports", "price": 3900, "placed": "-2h", "state": "placed"}
KETTLE = {"title": "ケトル", "category": "kitchen", "price": 4980, "delivered": "-5d"}


def canceled(talk: Talk) -> list[str]:
    with talk.desk.store.reading() as session:
        return [order.lines[0].title for order in session.scalars(select(Order).where(Order.state == "canceled"))]


def returns(talk: Talk) -> int:
    with talk.desk.store.reading() as session:
        return session.scalar(select(func.count()).select_from(ReturnAuthorization)) or 0


@pytest.fixture
def purple(talk: Begin) -> Talk:
    """A talk in which the purple one of two mats is proposed."""
    begun = talk(orders={"green": GREEN, "purple": PURPLE})
    begun.hear("cancel_order", "紫のほうをキャンセルしたい")
    return begun


@pytest.mark.parametrize(
    ("intent", "words"),
    [
        ("nlu_fallback", "あ、ちがう、取り消すのは緑のほうだった"),
        ("withdraw_request", "取り消すのは緑のほうでした"),
        ("affirm", "うん、緑をお願い"),
        ("deny", "紫じゃなくて緑のほう"),
    ],
)
def test_another_article_named_behind_a_proposal_is_proposed_and_nothing_is_done(
    purple: Talk, intent: str, words: str
) -> None:
    said = purple.hear(intent, words)
    assert "4,200円" in said[-1]
    assert canceled(purple) == []
    purple.hear("affirm", "はい")
    assert canceled(purple) == ["緑のヨガマット"]


@pytest.mark.parametrize("words", ["はい、緑のほうは受け取ります", "はい、紫のほうで", "はい、お願いします"])
def test_what_is_to_stay_or_is_proposed_corrects_nothing(purple: Talk, words: str) -> None:
    purple.hear("affirm", words)
    assert canceled(purple) == ["紫のヨガマット"]


@pytest.mark.parametrize(
    "words",
    [
        "わかりました。主人に聞いてからまた来ます",
        "はい、家族と相談してみます",
        "分かりました、帰ってきたら本人に言います",
    ],
)
def test_who_comes_back_later_has_agreed_to_nothing(talk: Begin, words: str) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    begun.hear("affirm", words)
    assert returns(begun) == 0
    begun.hear("affirm", "はい")
    assert returns(begun) == 0


def test_the_way_that_is_kept_takes_the_other_one_back_and_not_the_wish(talk: Begin) -> None:
    begun = talk(orders={"one": GREEN})
    begun.hear("cancel_order", "キャンセルして")
    begun.hear("ask_refund_method", "残高に変えられる？", refund_method="gift_balance")
    said = begun.hear("withdraw_request", "やっぱりカードのままにしとくわ", refund_method="original_payment")
    assert "クレジットカード" in said[-1]
    begun.hear("affirm", "それで頼むわ")
    assert canceled(begun) == ["緑のヨガマット"]


def test_what_was_pressed_by_mistake_is_an_order_where_there_is_no_membership(talk: Begin) -> None:
    begun = talk(orders={"one": PURPLE})
    said = begun.hear("report_accidental_signup", "間違えて押しました、取り消したいです")
    assert "3,900円" in said[-1]


@pytest.mark.parametrize(
    ("intent", "words"),
    [("deny", "半分しか戻らないのか"), ("affirm", "いえ、やっぱり最初に言ったほうで合っていました")],
)
def test_a_question_back_and_what_begins_with_a_no_agree_to_nothing_and_drop_nothing(
    purple: Talk, intent: str, words: str
) -> None:
    said = purple.hear(intent, words)
    assert "円" in said[-1]
    assert canceled(purple) == []


def test_what_was_said_first_is_the_other_of_two(purple: Talk) -> None:
    purple.hear("deny", "あ、違いました、もう一つのほうです", quantity="1")
    said = purple.hear("affirm", "やっぱり最初に言ったほうで合っていました")
    assert "3,900円" in said[-1]


@pytest.mark.parametrize(("beside", "agreed"), [("電話はかけてこないでくださいね", 1), ("ちょっと待って", 0)])
def test_a_call_that_is_not_wished_for_takes_no_yes_back(talk: Begin, beside: str, agreed: int) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    begun.hear_parts("deny", ("affirm", "はい、お願いします", {}), ("deny", beside, {}))
    assert returns(begun) == agreed


def test_a_word_that_adds_a_wish_is_no_yes_to_the_one_before(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE, "other": GREEN})
    begun.hear("report_defect", "ケトルが動きません", product="ケトル")
    begun.hear_parts("cancel_order", ("affirm", "それから", {}), ("cancel_order", "緑のほうをキャンセルしたい", {}))
    assert returns(begun) == 0


def test_all_but_one_is_counted_from_what_is_left(talk: Begin) -> None:
    begun = talk(orders={"one": {**GREEN, "quantity": 4}})
    said = begun.hear("cancel_order", "1枚だけ残してあとは全部取り消して", quantity="1")
    assert "12,600円" in said[-1]


def test_the_state_put_right_behind_a_proposal_is_heard_whatever_the_tone(talk: Begin) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("return_item", "返品したい。箱は開けました")
    said = begun.hear("nlu_fallback", "正直に言うと、もう二回使っています")
    assert "担当者" in said[0]  # used: a human looks at it
    begun.hear("affirm", "はい")
    assert returns(begun) == 0


@pytest.mark.parametrize(
    ("intent", "words"),
    [
        ("goodbye", "じゃあこれで"),
        ("report_defect", "「返品の手続きをお願いしたい」との連絡を受けました"),
        ("withdraw_request", "返品はせずに使うことをお願いします"),
    ],
)
def test_words_of_leaving_of_others_and_of_not_doing_it_agree_to_nothing(talk: Begin, intent: str, words: str) -> None:
    begun = talk(orders={"one": KETTLE})
    begun.hear("report_defect", "動きません")
    begun.hear(intent, words)
    assert returns(begun) == 0
