"""The checks of the training data: what they refuse, and that the data of this repository passes them."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.examples import Example, comparable, faults, in_both, read_examples
from tests.nlu.conftest import ROOT, heldout_lines


def _examples(*pairs: tuple[str, str]) -> list[Example]:
    return [Example(intent, text, f"{intent}.yml") for intent, text in pairs]


@pytest.fixture(scope="module")
def shipped() -> list[Example]:
    """Read the repository's own examples."""
    return read_examples(ROOT / "data/nlu")


@pytest.mark.parametrize(
    "pair",
    [
        (("thank", "ありがとう"), ("thank", "ありがとう")),
        (("thank", "ありがとう"), ("thank", "ありがとう!!😊")),
        (("thank", "ｱﾘｶﾞﾄｳ"), ("goodbye", "アリガトウ")),
        (("cancel_order", "注文をキャンセルしたいです"), ("return_item", "注文をキャンセルしたいです")),
        (("cancel_order", "昨日の注文をキャンセルしたいです"), ("return_item", "昨日の注文キャンセルしたいです")),
    ],
)
def test_a_text_that_stands_twice_or_too_near_another_intent_is_refused(pair: tuple[tuple[str, str], ...]) -> None:
    assert len(faults(_examples(*pair))) == 1


@pytest.mark.parametrize(
    "pair",
    [
        (("report_not_delivered", "届かない"), ("inform", "届いた")),
        (("cancel_order", "昨日の注文をキャンセルしたいです"), ("cancel_order", "昨日の注文キャンセルしたいです")),
        (("cancel_order", "キャンセルしてください"), ("withdraw_request", "キャンセルしないでください")),
    ],
)
def test_a_close_call_and_a_neighbour_of_the_same_intent_are_kept(pair: tuple[tuple[str, str], ...]) -> None:
    assert faults(_examples(*pair)) == []


def test_annotations_are_no_part_of_the_text() -> None:
    assert all("](" not in each.text and "]{" not in each.text for each in read_examples(ROOT / "data/nlu"))


def test_the_shipped_examples_have_no_faults(shipped: list[Example]) -> None:
    assert faults(shipped) == []


def test_there_are_enough_examples_of_every_intent(shipped: list[Example]) -> None:
    counts = Counter(each.intent for each in shipped)
    assert len(counts) == 34
    assert min(counts.values()) >= 150, counts
    assert len(shipped) >= 6000


def test_nothing_held_out_is_trained_on(shipped: list[Example]) -> None:
    assert [each.text for each in in_both(shipped, [line.text for line in heldout_lines()])] == []


def test_a_held_out_text_is_found_in_any_dress() -> None:
    examples = _examples(("thank", "ﾄﾞｳﾓありがとうございます😊"), ("affirm", "はい"))
    assert [each.intent for each in in_both(examples, ["ドウモありがとうございます。", "はい"])] == ["thank"]


def test_marks_alone_are_compared_as_they_are() -> None:
    assert comparable("👍") == "👍"
