"""The bars on messages that were written apart and never trained on."""

from __future__ import annotations

import pytest

from engine.scores import Scores, calibration_error, judge
from tests.nlu.conftest import Understood, heldout_lines

_ENTITY_BARS = {
    "order_number": 0.99,
    "phone_number": 0.99,
    "date": 0.95,
    "quantity": 0.95,
    "size": 0.95,
    "refund_method": 0.94,  # wanted: 0.95, which `make evaluate` shows; one of 27 is two hundredths
    "product": 0.85,
}


@pytest.fixture(scope="session")
def scores(understood: Understood) -> Scores:
    """Score all held-out messages."""
    lines = heldout_lines()
    return judge(lines, [understood.of(line.text, line.day) for line in lines])


def test_there_are_enough_held_out_messages_of_every_intent(scores: Scores) -> None:
    counts = {name: score.hits + score.missed for name, score in scores.intents.items()}
    assert len(counts) == 34
    assert min(counts.values()) >= 15, counts


def test_the_intent_is_right(scores: Scores) -> None:
    wrong = [(each.text, each.intent, each.predicted) for each in scores.messages if not each.right]
    # Wanted: 0.96, which `make evaluate` shows; the floor leaves room for four messages that another training tips.
    assert scores.accuracy >= 0.955, wrong


def test_no_intent_falls_behind(scores: Scores) -> None:
    # Wanted: 0.88, which `make evaluate` shows; with twenty messages an intent, one of them is two hundredths.
    assert {name: round(each.f1, 3) for name, each in scores.intents.items() if each.f1 < 0.86} == {}


@pytest.mark.parametrize(("entity", "bar"), _ENTITY_BARS.items())
def test_entities_are_found_with_their_values(scores: Scores, entity: str, bar: float) -> None:
    faults = [(each.text, each.missed, each.spurious) for each in scores.messages if each.missed or each.spurious]
    assert scores.entities[entity].f1 >= bar, [each for each in faults if entity in str(each[1:])]


def test_confidence_tells_the_truth(scores: Scores) -> None:
    assert calibration_error(scores.messages) <= 0.08


def test_few_real_messages_are_asked_about_again(scores: Scores) -> None:
    assert scores.fallback_rate <= 0.05
