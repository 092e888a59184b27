"""Several wishes in one message, and words that point back: each wish is served, each pointer finds its article."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from actions.questions import AnswerQuestion, Greet, TakeScore
from madoguchi.services.desk import Desk
from madoguchi.store import Case, Choice, Conversation, Membership, Message, Order, Refund, ReturnAuthorization
from tests.unit.actions.conftest import Talk

type Begin = Callable[..., Talk]
KETTLE = {"title": "電気ケトル", "category": "electronics", "price": 4980, "delivered": "-3d"}
LAMP = {"title": "デスクライト", "category": "furniture", "price": 6980, "delivered": "-3d"}
STOOL = {"title": "折りたたみスツール", "price": 4500, "placed": "-1h", "state": "placed"}
BOTH = (
    ("return_item", "ケトルは返品", {"product": "ケトル", "condition": "unopened"}),
    ("cancel_order", "スツールはキャンセルで", {"product": "スツール"}),
)


def count(desk: Desk, table: Any) -> int:
    """How many rows there are."""
    with desk.store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_return_and_a_cancellation_are_done_one_after_the_other(talk: Begin) -> None:
    begun = talk(orders={"kettle": KETTLE, "stool": STOOL})
    said = begun.hear_parts("cancel_order", *BOTH)
    assert "電気ケトル" in said[-1]
    said = begun.hear("affirm", "はい")
    assert "折りたたみスツール" in said[-1]
    assert count(begun.desk, ReturnAuthorization) == 1
    begun.hear("affirm", "はい")
    with begun.desk.store.reading() as session:
        assert session.scalars(select(Order.state).order_by(Order.placed_at)).all() == ["delivered", "canceled"]


def test_a_no_to_the_first_goes_on_with_the_second(talk: Begin) -> None:
    begun = talk(orders={"kettle": KETTLE, "stool": STOOL})
    begun.hear_parts("cancel_order", *BOTH)
    assert "折りたたみスツール" in begun.hear("deny", "やっぱりやめます")[-1]
    begun.hear("affirm", "はい")
    assert (count(begun.desk, ReturnAuthorization), count(begun.desk, Refund)) == (0, 1)


def test_after_a_reorder_was_offered_the_second_wish_still_has_its_turn(talk: Begin) -> None:
    begun = talk(orders={"kettle": KETTLE, "stool": STOOL})
    begun.hear_parts("report_defect", ("report_defect", "ケトルが動きません", {"product": "ケトル"}), BOTH[1])
    assert "もう一度" in begun.hear("affirm", "はい")[-1] or begun.slots["asked"] == "offer"
    assert "折りたたみスツール" in begun.hear("deny", "いいえ")[-1]


def test_an_order_and_a_membership(talk: Begin) -> None:
    begun = talk(orders={"stool": STOOL}, memberships={"content": {}})
    begun.hear_parts(
        "cancel_order",
        ("cancel_order", "キャンセルしたい", {}),
        ("report_accidental_signup", "それと間違えて会員になった", {}),
    )
    begun.hear("affirm", "はい")
    begun.hear("affirm", "はい")
    with begun.desk.store.reading() as session:
        assert session.scalars(select(Membership.state)).one() == "ended"
        assert session.scalars(select(Order.state)).one() == "canceled"


def test_a_trouble_and_what_it_is_to_lead_to_are_one_wish(talk: Begin) -> None:
    begun = talk(orders={"kettle": KETTLE})
    begun.hear_parts("report_defect", ("report_defect", "動きません", {}), ("return_item", "返品したいです", {}))
    assert not begun.slots.get("later")
    begun.hear("affirm", "はい")
    with begun.desk.store.reading() as session:
        assert session.scalars(select(ReturnAuthorization)).one().payer == "shop"


def test_two_words_for_the_same_article_are_one_wish(talk: Begin) -> None:
    begun = talk(orders={"kettle": KETTLE})
    part = ("report_defect", "電源コードも切れています", {"product": "電源コード"})
    begun.hear_parts("report_defect", ("report_defect", "ケトルが動きません", {"product": "ケトル"}), part)
    assert not begun.slots.get("later")


def test_a_yes_before_another_wish_is_a_yes(talk: Begin) -> None:
    begun = talk(orders={"kettle": {**KETTLE, "state": None}, "stool": STOOL})
    begun.hear("cancel_order", "スツールをキャンセル", product="スツール")
    said = begun.hear_parts(
        "return_item",
        ("affirm", "はい", {}),
        ("return_item", "あとケトルも返品したい", {"product": "ケトル", "condition": "unopened"}),
    )
    assert count(begun.desk, Refund) == 1
    assert "電気ケトル" in said[-1]
    assert count(begun.desk, ReturnAuthorization) == 0


def test_what_comes_on_top_waits_until_the_first_is_settled(talk: Begin) -> None:
    begun = talk(orders={"stool": STOOL, "lamp": {**STOOL, "title": "デスクライト"}})
    begun.hear("cancel_order", "スツールをキャンセル", product="スツール")
    said = begun.hear("cancel_order", "あとライトもキャンセルしたい", product="ライト")
    assert "折りたたみスツール" in said[-1]
    assert "デスクライト" in begun.hear("affirm", "はい")[-1]
    begun.hear("affirm", "はい")
    assert count(begun.desk, Refund) == 2


def test_the_other_one_is_the_one_not_proposed(talk: Begin) -> None:
    begun = talk(orders={"kettle": KETTLE, "lamp": LAMP})
    begun.hear("report_defect", "ケトルが動きません", product="ケトル")
    said = begun.hear("inform", "もう一つの方です")
    assert "デスクライト" in said[-1]


def test_a_no_with_the_other_one_is_no_end(talk: Begin) -> None:
    begun = talk(orders={"kettle": KETTLE, "lamp": LAMP})
    begun.hear("report_defect", "ケトルが動きません", product="ケトル")
    assert "デスクライト" in begun.hear("deny", "いや、もう一つの方")[-1]


def test_that_one_means_what_a_question_was_about(talk: Begin) -> None:
    begun = talk(orders={"stool": STOOL, "lamp": {**STOOL, "title": "デスクライト"}})
    begun.replies(AnswerQuestion, "ask_order_status", "ライトはいつ届く", product="ライト")
    begun.slots["product"] = None
    assert "デスクライト" in begun.hear("cancel_order", "それキャンセルして")[-1]


def test_a_human_hears_of_the_wish_that_was_not_served(talk: Begin) -> None:
    begun = talk(orders={"camera": {**KETTLE, "title": "カメラ", "price": 248000}, "stool": STOOL})
    begun.hear_parts("report_defect", ("report_defect", "カメラが動きません", {"product": "カメラ"}), BOTH[1])
    with begun.desk.store.reading() as session:
        summary = session.get_one(Conversation, begun.conversation).summary
    assert "スツール" in summary["note"]["later"]


def test_contradicting_notices_without_a_seller_end_with_a_human_and_frozen_money(talk: Begin) -> None:
    begun = talk(orders={"stool": STOOL})
    begun.hear("report_conflicting_notice", "お知らせが食い違う", line=f"order:{begun.names['orders']['stool']}")
    with begun.desk.store.reading() as session:
        assert session.get_one(Conversation, begun.conversation).handoff_reason == "money_frozen"
        assert session.scalars(select(Order)).one().frozen_at is not None


def test_a_case_that_somebody_else_closed_is_asked_about_in_the_next_talk(talk: Begin) -> None:
    begun = talk(orders={"stool": STOOL})
    begun.hear("cancel_order", "キャンセルしたい")
    begun.hear("affirm", "はい")
    asked = [reply["text"] for reply in begun.replies(Greet, "greet", "こんにちは")]
    assert not any("お知り合い" in text for text in asked), "the case is still open"
    with begun.desk.store.writing() as session:
        case = session.scalars(select(Case)).one()
        case.state, case.closed_at = "closed", begun.desk.clock()
        reference = case.reference
    replies = begun.replies(Greet, "greet", "こんにちは")
    (numbers,) = [reply["buttons"] for reply in replies if "お知り合い" in reply["text"]]
    assert len(numbers) == 11
    begun.replies(TakeScore, "inform", score=f"{reference}:9")
    assert not any("お知り合い" in reply["text"] for reply in begun.replies(Greet, "greet", "こんにちは"))


def test_what_was_asked_and_not_answered_is_not_asked_again(talk: Begin) -> None:
    begun = talk(orders={"stool": STOOL})
    begun.hear("cancel_order", "キャンセルしたい")
    begun.hear("affirm", "はい")
    with begun.desk.store.writing() as session:
        case = session.scalars(select(Case)).one()
        case.state, case.closed_at = "closed", begun.desk.clock()
        message = Message(
            conversation_id=begun.conversation, client_id="x", author="bot", created_at=begun.desk.clock()
        )
        session.add(message)
        session.flush()
        payload = f'/inform{{"score": "{case.reference}:3"}}'
        session.add(
            Choice(
                token="t" * 43, conversation_id=begun.conversation, message_id=message.id, title="3", payload=payload
            )
        )
    assert not any("お知り合い" in reply["text"] for reply in begun.replies(Greet, "greet", "こんにちは"))


def test_the_membership_joined_by_mistake_is_what_is_to_be_canceled(talk: Begin) -> None:
    begun = talk(orders={"stool": STOOL}, memberships={"content": {}})
    begun.hear_parts(
        "report_accidental_signup",
        ("report_accidental_signup", "間違えて登録してしまいました", {}),
        ("cancel_order", "取り消せますか", {}),
    )
    assert not begun.slots.get("later")
    begun.hear("affirm", "はい")
    with begun.desk.store.reading() as session:
        assert session.scalars(select(Order.state)).all() == ["placed"]
        assert session.scalars(select(Membership.state)).all() == ["ended"]
