"""Every reply exists, every placeholder is supplied, and values read as a Japanese shop writes them."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from rasa_sdk.executor import CollectingDispatcher
from ruamel.yaml import YAML

from actions.questions import ASKED
from actions.replies import DOMAIN, Button, Phrasebook, Speaker, phrases, shown
from actions.slots import KINDS, Turn
from madoguchi.policy.vocabulary import AgentReason, Condition, DeclineReason, WaitReason
from madoguchi.services import answers, resolve
from madoguchi.services.views import Choice, Money
from madoguchi.services.wishes import Propose, Wish
from tests.unit.actions.conftest import Talk

SOURCES = [*Path("madoguchi/services").rglob("*.py"), *Path("actions").glob("*.py")]
SPEAKING = {"Tell": 0, "Answer": 0, "Done": 0, "say": 0, "Ask": 1, "Propose": 1, "offer": 1}
"""What takes a reply's name, and as which argument."""
PLANS = [
    *("return", "return_paid", "return_half", "refuse_parcel", "cancel", "cancel_request", "seller_inquiry"),
    *("conflict_freeze", "guarantee", "membership_refund", "membership_end", "withdraw", "change_refund_method"),
    *("keep_membership", "end_content", "reorder", "refund", "close", "note"),
]

PLAN = frozenset(
    {
        *("article", "amount", "order_number", "seller", "payer", "condition", "method", "method_label", "paid_by"),
        *("timing", "days_from", "days_to", "refund_by_from", "refund_by_to"),
        *("deadline", "expires_on", "postage", "period_end"),
    }
)
MADE = frozenset({"way", "new_way", "when", "fee", "label_note", "size_note"})
GIVEN: dict[str, frozenset[str]] = {
    "propose_": PLAN | MADE | {"size"},
    "done_": PLAN | MADE | {"rma", "case", "size"},
    "declined_": PLAN | MADE | {"offers", "refunded"},
    "wait_": PLAN | MADE | {"until"},
    "agent_": frozenset(),
    "reorder_": PLAN | MADE | {"size"},
    "ask_size": frozenset({"article", "size", "size_note"}),
    "ask_": PLAN | MADE,
    "handed_over_": frozenset({"answer_by"}),
    "call_booked": frozenset({"slot_at", "phone"}),
    "mail_resent": frozenset({"subject"}),
}
"""The beginning of a reply's name → every value that its service gives; the first that fits counts."""


def literal_replies() -> Iterator[str]:
    """Every reply's name that stands in the code of the services and actions."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                where = SPEAKING.get(called)
                if where is not None and len(node.args) > where:
                    yield from _names(node.args[where])


def _names(argument: ast.expr) -> Iterator[str]:
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, ast.IfExp):
        yield from _names(argument.body)
        yield from _names(argument.orelse)


@pytest.mark.parametrize("reply", sorted(set(literal_replies())))
def test_every_reply_named_in_the_code_exists(book: Phrasebook, reply: str) -> None:
    assert reply in book


@pytest.mark.parametrize("plan", PLANS)
def test_every_plan_can_be_proposed_and_told_as_done(book: Phrasebook, plan: str) -> None:
    assert f"propose_{plan}" in book
    assert f"done_{plan}" in book


@pytest.mark.parametrize(
    "reply",
    [
        *(f"declined_{reason.value}" for reason in DeclineReason),
        *(f"wait_{reason.value}" for reason in WaitReason),
        *(f"agent_{reason.value}" for reason in AgentReason),
        *(f"agent_{reason}" for reason in ("requested", "anger", "not_understood", "desk_hurt")),
        *(f"choice_condition_{condition.value}" for condition in Condition),
        *(f"meaning_{intent}" for intent in (*KINDS, *ASKED, "request_agent", "request_callback")),
    ],
)
def test_every_reason_has_a_reply(book: Phrasebook, reply: str) -> None:
    assert reply in book


@pytest.mark.parametrize(
    "method", ["card", "wallet", "gift_balance", "bank_transfer", "split", "bank_and_gift", "card_and_bank"]
)
@pytest.mark.parametrize("timing", ["now", "on_scan", "planned", "after_seller"])
def test_every_way_and_time_of_a_refund_can_be_said(book: Phrasebook, method: str, timing: str) -> None:
    values = phrases({"method": method, "timing": timing, "days_from": 3, "days_to": 5, **DAYS}, book)
    assert values["way"]
    assert values["when"]


DAYS = {"refund_by_from": date(2026, 3, 9), "refund_by_to": date(2026, 3, 11)}


@pytest.mark.parametrize("reply", sorted(YAML(typ="safe").load(DOMAIN)["responses"]))
def test_no_placeholder_without_a_value(book: Phrasebook, reply: str) -> None:
    name = reply.removeprefix("utter_")
    given = next((values for prefix, values in GIVEN.items() if name.startswith(prefix)), None)
    if given is not None:
        assert book.placeholders(name) <= given


@pytest.mark.parametrize(
    ("kind", "order", "reply"),
    [
        ("defect", {"delivered": "-3d"}, "propose_return"),
        ("wrong_size", {"delivered": "-3d"}, "propose_return"),
        ("cancel", {"placed": "-1h", "state": "placed"}, "propose_cancel"),
        ("cancel", {"placed": "-1h", "state": "preparing"}, "propose_cancel_request"),
        ("cancel", {"shipped": "-1d"}, "propose_refuse_parcel"),
        ("seller_stockout", {"placed": "-1d", "state": "placed", "seller": True}, "propose_seller_inquiry"),
        ("conflicting_notice", {"seller": True, "inquiry": {"asked": "-20h"}}, "propose_conflict_freeze"),
        ("guarantee", {"seller": True, "inquiry": {"asked": "-50h"}}, "propose_guarantee"),
        ("not_delivered", {"delivered": "-9d"}, "propose_missing_refund"),
        ("withdraw", {"delivered": "-9d", "returns": [{}]}, "propose_withdraw"),
        ("reorder", {"delivered": "-9d"}, "propose_reorder"),
    ],
)
def test_the_services_give_what_proposals_and_their_ends_say(
    talk: Callable[..., Talk], book: Phrasebook, kind: str, order: dict[str, object], reply: str
) -> None:
    begun = talk(orders={"one": {"title": "電気ケトル", "price": 4980, **order}})
    step = resolve.consider(begun.desk, begun.conversation, Wish(kind=kind))
    assert isinstance(step, Propose)
    assert step.reply == reply
    assert book.text(reply, phrases(step.values, book))
    done = resolve.confirm(begun.desk, begun.conversation, step.intent_key)
    assert book.text(done.reply, phrases(done.values, book))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "order",
    [
        {"placed": "-1h", "state": "placed"},
        {"placed": "-1d", "state": "preparing"},
        {"shipped": "-1d"},
        {"delivered": "-3d"},
        {"delivered": "-3d", "payment": "convenience_store"},
        {"delivered": "-3d", "payments": [{"method": "card", "amount": 1000}, {"method": "gift_balance"}]},
        {"delivered": "-9d", "returns": [{}]},
        {"delivered": "-9d", "returns": [{"received": "-1d", "refund": "pending"}]},
        {"delivered": "-9d", "returns": [{"received": "-1d", "refund": "sent"}]},
        {"delivered": "-9d", "returns": [{"received": "-1d"}]},
        {"placed": "-3d", "state": "canceled", "canceled_at": "-1d"},
        {"placed": "-3d", "state": "cancel_requested", "state_before": "preparing"},
        {"placed": "-3d", "seller": True, "inquiry": {"asked": "-20h"}},
        {"placed": "-3d", "seller": True, "inquiry": {"asked": "-50h"}},
        {"placed": "-3d", "shipped": "-1d", "seller": True, "frozen": "-1h", "inquiry": {"kind": "conflicting_notice"}},
        {"placed": "-9d", "seller": True, "inquiry": {"asked": "-90h"}, "guarantee": {}},
    ],
    ids=str,
)
def test_every_answer_can_be_said(talk: Callable[..., Talk], book: Phrasebook, order: dict[str, object]) -> None:
    begun = talk(orders={"one": {"title": "電気ケトル", "price": 4980, **order}}, memberships={"one": {}})
    for question, kind in itertools.product(answers.QUESTIONS, (None, "defect", "change_of_mind")):
        found = answers.answer(begun.desk, begun.conversation, question, Wish(kind=kind))
        assert book.text(found.reply, phrases(found.values, book))


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (Money(9800), "9,800円"),
        (Money(148000), "148,000円"),
        (date(2026, 3, 5), "3月5日(木)"),
        (datetime(2026, 3, 5, 5, 30, tzinfo=UTC), "3月5日(木) 14:30"),
        (datetime(2026, 3, 5, 15, 30, tzinfo=UTC), "3月6日(金) 0:30"),
        (("VISA", Money(100)), "VISA、100円"),
        (3, "3"),
        (None, ""),
    ],
)
def test_values_read_as_a_shop_writes_them(book: Phrasebook, value: object, read: str) -> None:
    assert shown(value, book) == read  # type: ignore[arg-type]


def test_the_same_wording_is_not_said_twice_in_a_row(book: Phrasebook) -> None:
    dispatcher = CollectingDispatcher()
    turn = Turn("c", "affirm", "はい", True, {}, {})
    Speaker(book, dispatcher, turn).say("dropped")
    again = replace(turn, last_texts=(dispatcher.messages[0]["text"],))
    Speaker(book, dispatcher, again).say("dropped")
    assert [message["text"] for message in dispatcher.messages] == [
        book.text("dropped", {}),
        book.text("dropped", {}, number=1),
    ]


def test_what_has_one_wording_is_said_again_with_a_word_about_it(book: Phrasebook) -> None:
    dispatcher = CollectingDispatcher()
    turn = Turn("c", "ask_refund_status", "", True, {}, {})
    speaker = Speaker(book, dispatcher, turn)
    for _ in range(3):
        speaker.say("refund_status_none")
    assert len({message["text"] for message in dispatcher.messages}) == 3


@pytest.mark.parametrize("plan", PLANS)
def test_a_proposal_has_two_wordings(book: Phrasebook, plan: str) -> None:
    values = dict.fromkeys(PLAN | MADE | {"size"}, "x")
    assert book.text(f"propose_{plan}", values) != book.text(f"propose_{plan}", values, number=1)


def test_a_value_never_stands_in_for_a_placeholder_it_contains(book: Phrasebook) -> None:
    text = book.text("done_close", {}) + book.text("mail_resent", {"subject": "{amount}"})
    assert "{amount}" in text


def test_a_missing_value_is_a_bug_and_no_sentence(book: Phrasebook) -> None:
    with pytest.raises(LookupError):
        book.text("propose_return", {"article": "電気ケトル"})


def test_choices_with_pictures_become_a_card_and_others_buttons(book: Phrasebook) -> None:
    dispatcher = CollectingDispatcher()
    speaker = Speaker(book, dispatcher, Turn("c", "inform", "", True, {}, {}))
    pictured = Choice("line:3", "電気ケトル", "kettle.svg", Money(4980), datetime(2026, 3, 4, 16, tzinfo=UTC))
    speaker.offer("article", "ask_article", {}, [pictured])
    speaker.offer("condition", "ask_condition", {"article": "電気ケトル"}, [Choice("condition:opened", "opened")])
    card, plain = dispatcher.messages
    assert card["custom"]["items"] == [
        {
            "title": "電気ケトル",
            "detail": "",
            "image": "kettle.svg",
            "price": "4,980円",
            "date": "3月5日(木)",
            "payload": '/inform{"line": "line:3"}',
        }
    ]
    assert plain["buttons"] == [{"title": "開封しただけ", "payload": '/inform{"condition": "opened"}'}]


def test_every_button_has_its_words(book: Phrasebook) -> None:
    import actions.replies as module

    buttons = [value for value in vars(module).values() if isinstance(value, Button)]
    assert buttons
    assert all(book.label(button.label) for button in buttons)


def test_all_articles_that_a_yes_takes_in_are_named(talk: Callable[..., Talk]) -> None:
    lines = [{"title": title, "price": 1000} for title in ("電気ケトル", "デスクライト")]
    said = talk(orders={"one": {"placed": "-1h", "state": "placed", "lines": lines}}).hear("cancel_order", "キャンセル")
    assert "電気ケトル、デスクライト" in said[-1]


@pytest.mark.parametrize(("first", "other"), [("cash_on_delivery", "カード"), ("card", "ギフト残高")])
def test_a_split_payment_comes_back_the_ways_it_was_paid(talk: Callable[..., Talk], first: str, other: str) -> None:
    second = {"cash_on_delivery": "gift_balance", "card": "convenience_store"}[first]
    paid = [{"method": first, "amount": 3000}, {"method": second}]
    begun = talk(orders={"one": {"title": "電気ケトル", "price": 5000, "delivered": "-3d", "payments": paid}})
    said = begun.hear("report_defect", "動きません。銀行振込で", refund_method="bank_transfer")
    assert "銀行" in said[-1]
    assert other not in said[-1]
