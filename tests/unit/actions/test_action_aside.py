"""What is said beside a wish: a score in words, a call taken back, what is named to say no to it, waits told again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from actions import words
from actions.forms import ResolutionForm
from actions.handoffs import BookCall, TwoMeanings
from actions.questions import AnswerQuestion
from actions.scoring import score_in
from actions.slots import Turn
from madoguchi.services import callbacks
from madoguchi.store import Score
from tests.unit.actions.conftest import Talk

type Begin = Callable[..., Talk]
PLACED = {"placed": "-2h", "state": "placed", "price": 3000}
WAITING = {"title": "双眼鏡", "price": 9000, "placed": "-4d", "seller": True}


@pytest.mark.parametrize(
    ("text", "score"),
    [("8点くらいですかね", 8), ("１０点満点です", 10), ("0", 0), ("11点", None), ("7か8", None), ("はい", None)],
)
def test_a_score_in_words_is_the_one_number_from_0_to_10(text: str, score: int | None) -> None:
    assert score_in(Turn("c", "inform", text, True, {}, {})) == score


def test_a_typed_score_is_recorded_once(talk: Begin) -> None:
    begun = talk(orders={"one": {**WAITING, "inquiry": {"asked": "-20h"}}})
    begun.hear("nlu_fallback", "双眼鏡は無事に届きました")
    begun.hear("affirm", "はい")
    begun.hear("inform", "9点です", quantity="9")
    begun.hear("inform", "2点です", quantity="2")
    with begun.desk.store.reading() as session:
        assert session.scalars(select(Score.value)).all() == [9]


@pytest.mark.parametrize("action", [ResolutionForm, BookCall, TwoMeanings])
def test_a_booked_call_is_taken_back_in_words(talk: Begin, action: type[ResolutionForm]) -> None:
    begun = talk(orders={"one": {**PLACED, "title": "置き時計"}})
    begun.replies(BookCall, "request_callback", "電話をください")
    begun.replies(action, "deny", "やっぱり電話はいらないです")
    assert callbacks.standing(begun.desk, begun.conversation).booked is None


def test_a_call_taken_back_lets_the_proposal_stand(talk: Begin) -> None:
    begun = talk(orders={"one": {**PLACED, "title": "置き時計"}})
    begun.replies(BookCall, "request_callback", "電話をください")
    begun.hear("cancel_order", "置き時計をキャンセルしたい", product="置き時計")
    assert "3,000円" in begun.hear("deny", "電話はもう結構です")[-1]
    assert "キャンセルしました" in begun.hear("affirm", "はい")[0]


@pytest.mark.parametrize("text", ["電話番号は取り消しで使えますか", "キャンセルの電話をください", "電話ください"])
def test_other_words_about_calls_take_none_back(text: str) -> None:
    assert words.meant("calls_off", text) is None


def test_of_two_orders_the_one_that_is_not_named_is_meant(talk: Begin) -> None:
    begun = talk(orders={"rack": {**PLACED, "title": "水切りラック"}, "brush": {**PLACED, "title": "ブラシ"}})
    begun.hear("cancel_order", "片方やめたい")
    said = begun.hear("inform", "水切りラックじゃないほう", product="水切りラック")[-1]
    assert "「ブラシ」" in said
    assert "水切りラック" not in said


def test_both_of_two_orders_are_canceled_one_after_the_other(talk: Begin) -> None:
    begun = talk(orders={"rack": {**PLACED, "title": "水切りラック"}, "brush": {**PLACED, "title": "ブラシ"}})
    begun.hear("cancel_order", "キャンセルしたい")
    begun.hear("inform", "両方です")
    again = begun.hear("affirm", "はい")
    assert "キャンセルしました" in again[0]
    assert "キャンセルしました" in begun.hear("affirm", "はい")[0]


def test_the_wish_named_again_to_say_no_to_it_is_dropped(talk: Begin) -> None:
    begun = talk(orders={"one": {**WAITING, "state": "placed"}})
    begun.hear("report_seller_stockout", "品切れだと言われました")
    assert "何も" in begun.hear("report_seller_stockout", "入荷を待つので取り消すのはよします")[-1]


def test_an_order_let_go_of_after_a_question_is_proposed_to_be_canceled(talk: Begin) -> None:
    begun = talk(orders={"one": {**PLACED, "title": "鞄"}})
    begun.replies(AnswerQuestion, "ask_order_status", "いつ来ますか")
    assert "「鞄」" in begun.hear("deny", "では遅いので、注文はやめておきます")[-1]


def test_a_return_offered_by_a_button_is_taken_up_by_the_state_of_the_article(talk: Begin) -> None:
    begun = talk(orders={"one": {"title": "綿毛布", "price": 6600, "delivered": "-9d"}})
    begun.replies(AnswerQuestion, "ask_return_procedure", "綿毛布って返せます？", product="綿毛布")
    assert "6,600円" in begun.hear("inform", "まだ袋に入ったままです")[-1]


def test_a_parcel_missed_while_the_seller_is_asked_waits_for_the_seller_and_no_warehouse(talk: Begin) -> None:
    begun = talk(orders={"one": {**WAITING, "inquiry": {"asked": "-10h"}}})
    said = begun.hear("report_not_delivered", "まだ来ません")[-1]
    assert "出品者" in said
    assert "倉庫" not in said


def test_a_wait_told_again_is_told_in_other_words_and_without_a_second_apology(talk: Begin) -> None:
    begun = talk(orders={"one": {"title": "緑茶", "price": 2100, "delivered": "-1d"}})
    first = begun.hear("report_not_delivered", "届いていません")
    again = begun.hear("report_not_delivered", "全部探しましたがありません")
    assert len(first) == 2
    assert len(again) == 1
    assert "お隣もお確かめ" not in again[0]
    assert not again[0].startswith(("くり返し", "先ほど"))


def test_the_guarantee_that_is_due_is_a_button_with_a_title_beside_a_wish_too(talk: Begin) -> None:
    begun = talk(orders={"one": {**WAITING, "inquiry": {"asked": "-50h"}, "state": "cancel_requested"}})
    begun.parts = [
        {"text": "まだ来ません", "intent": "report_not_delivered", "confidence": 0.9, "entities": []},
        {"text": "保証で何とかなりますか", "intent": "ask_guarantee", "confidence": 0.9, "entities": []},
    ]
    replies = begun.replies_of_form("report_not_delivered", "まだ来ません。保証で何とかなりますか")
    titles = [button["title"] for reply in replies for button in reply.get("buttons") or ()]
    assert titles
    assert all(titles)


def test_asked_for_again_after_the_guarantee_has_paid_its_payment_is_told(talk: Begin) -> None:
    paid = {"inquiry": {"asked": "-60h"}, "guarantee": {}, "state": "cancel_requested"}
    begun = talk(orders={"one": {**WAITING, **paid}})
    said = begun.hear("cancel_order", "早く返して")
    assert not any("0円をお返し" in text.replace("9,000円", "") for text in said)


def test_scores_are_taken_only_where_one_was_asked_for(talk: Begin) -> None:
    begun = talk(orders={"one": {**PLACED, "title": "鞄"}})
    begun.hear("inform", "8点", quantity="8")
    with begun.desk.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Score)) == 0
