"""What stands behind a courtesy counts, and nothing slight does."""

from __future__ import annotations

import pytest

from engine.courtesies import beyond_courtesy


def heard(whole: str, *parts: tuple[str, float]) -> str:
    """Return the intent of a message of these parts."""
    parsed = {"intent": {"name": whole, "confidence": 0.6}}
    beyond_courtesy(parsed, [{"intent": name, "confidence": sure} for name, sure in parts])
    return str(parsed["intent"]["name"])


@pytest.mark.parametrize("courtesy", ["greet", "thank", "goodbye"])
def test_a_question_behind_a_courtesy_is_what_is_meant(courtesy: str) -> None:
    assert heard(courtesy, (courtesy, 0.9), ("ask_order_status", 0.8)) == "ask_order_status"


def test_the_surest_of_several_counts() -> None:
    assert heard("thank", ("cancel_order", 0.6), ("ask_order_status", 0.8), ("thank", 1.0)) == "ask_order_status"


@pytest.mark.parametrize("slight", ["affirm", "deny", "inform", "out_of_scope", "nlu_fallback", "bot_challenge"])
def test_nothing_slight_takes_the_place_of_a_courtesy(slight: str) -> None:
    assert heard("thank", ("thank", 0.9), (slight, 0.99)) == "thank"


def test_a_part_that_is_not_sure_counts_for_nothing() -> None:
    assert heard("thank", ("thank", 0.9), ("cancel_order", 0.3)) == "thank"


def test_what_is_no_courtesy_stays_what_it_is() -> None:
    assert heard("cancel_order", ("ask_order_status", 0.99)) == "cancel_order"
