"""Every code that staff may read has a Japanese word, and every effect of a plan a sentence."""

from __future__ import annotations

import ast
import re
import typing
from dataclasses import fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest

from madoguchi.policy import effects
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.vocabulary import (
    AgentReason,
    Condition,
    DeclineReason,
    Fact,
    InspectionResult,
    OrderState,
    PaymentMethod,
    RefundMethod,
    SellerAnswer,
    TimerKind,
    WaitReason,
)
from madoguchi.services import agents, calling, inbox, planning, snoozing, suggesting, timeline
from madoguchi.services.outlines import Step
from madoguchi.services.views import Money
from madoguchi.web.desk.rendering import environment, fact, left, words
from tests.integration.desk.builders import NOON

POLICY = Path(effects.__file__).parent
CODES: list[tuple[str, type[StrEnum]]] = [
    ("decisions", AgentReason),
    ("decisions", DeclineReason),
    ("decisions", WaitReason),
    ("decisions", Fact),
    ("reasons", AgentReason),
    ("kinds", RequestKind),
    ("kinds", planning.Own),
    ("values", Condition),
    ("values", RefundMethod),
    ("values", PaymentMethod),
    ("values", InspectionResult),
    ("values", SellerAnswer),
    ("values", TimerKind),
    ("order_states", OrderState),
    ("refusals", agents.Refused),
    ("roles", agents.Role),
    ("views", inbox.View),
    ("wakes", snoozing.Wake),
    ("call_results", calling.Result),
]


@pytest.mark.parametrize(("section", "codes"), CODES)
def test_every_code_has_a_word(section: str, codes: type[StrEnum]) -> None:
    spare = {agents.Refused.TAKEN}
    assert [each for each in codes if str(each) not in words()[section] and each not in spare] == []


def test_every_reason_of_a_handoff_has_a_word() -> None:
    """Every reason that is written as a literal where a conversation is handed over."""
    given: set[str] = set()
    for path in [*Path("madoguchi/services").rglob("*.py"), *Path("actions").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            if isinstance(node, ast.Call) and name in ("hand_over", "hand_over_in", "hand_over_case", "_tell_a_human"):
                given |= {each.value for each in node.args if isinstance(each, ast.Constant)} - {None}
    assert {"refund_refused", "refund_delayed", "refund_came_back", "seller_answered_late"} <= given
    assert sorted(given - set(words()["reasons"])) == []


def test_every_apology_and_question_of_a_suggestion_has_words() -> None:
    assert sorted(set(words()["sorry"]) ^ set(suggesting.AT_FAULT)) == []
    assert sorted(set(words()["asked"]) ^ {str(fact) for fact in Fact}) == []


def test_every_fact_of_a_receipt_has_a_word() -> None:
    named: set[str] = set()
    for path in POLICY.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "because":
                named |= {keyword.arg for keyword in node.keywords if keyword.arg}
                for given in node.args:
                    if isinstance(given, ast.Dict):
                        named |= {key.value for key in given.keys if isinstance(key, ast.Constant)}
    assert len(named) > 30
    assert sorted(named - set(words()["facts"]) - {"request"}) == []


def test_every_effect_has_a_sentence_of_its_own() -> None:
    every = typing.get_args(typing.get_args(effects.Effect.__value__)[0])
    steps = environment().get_template("desk/_steps.html").module
    values = {
        "articles": ("電気ケトル",),
        "amount": Money(1000),
        "ways": ((Money(1000), "gift_balance", "VISA"),),
        "when": "now",
        "payer": "shop",
        "route": "send_back",
        "deadline": NOON,
        "due": NOON,
        "timer": "seller_deadline",
        "flag": "conflicting_notices",
        "result": "used",
        "offer": "reorder_same",
        "method": "gift_balance",
        "plan": "ひより会員",
        "rma": "R-AAAA-BBBB",
        "at": None,
    }
    codes = [next(field.default for field in fields(each) if field.name == "type") for each in every]
    told = {code: str(steps.step(Step(str(code), values))).strip() for code in codes}
    assert len(told) > 20
    assert [each for each, text in told.items() if not text.endswith("。")] == []
    assert not any(re.search(r"[a-z]{4,}", re.sub(r"</?b>", "", text)) for text in told.values())


def test_what_the_audit_says_of_a_conversation_has_a_word() -> None:
    assert [each for each in timeline.TOLD_ACTS if each not in words()["events"]] == []


@pytest.mark.parametrize(
    ("value", "name", "said"),
    [
        ("<= 30", "days_since_delivery", "30以下"),
        ("<= 200000", "refund", "200,000円以下"),
        ("placed | delivered", "state", "受付済みまたは配達済み"),
        (True, "frozen", "はい"),
        (["clothing", "food"], "categories", "衣類、食品"),
        ("2026-11-18", "until", "11月18日(水)"),
        ("2026-11-18T03:00:00+00:00", "deadline", "11月18日(水) 12:00"),
        (None, "condition", "なし"),
        ("defect", "request", "返品（不具合・破損）"),
    ],
)
def test_facts_are_read_as_staff_would_say_them(value: object, name: str, said: str) -> None:
    assert fact(value, name) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(30, "あと1分未満"), (600, "あと10分"), (7300, "あと2時間"), (200_000, "あと2日"), (-300, "5分超過")],
)
def test_how_long_it_is(seconds: int, said: str) -> None:
    assert left(NOON + timedelta(seconds=seconds), NOON) == said
