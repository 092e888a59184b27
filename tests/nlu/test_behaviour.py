"""What the model must understand, what must not sway it, what must turn it, and what must not break it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest

from engine.nlu.text import normalize
from tests.nlu.conftest import BABBLE, LETTERS, NUMBERED, Understood, all_variants, table

_REQUESTS = frozenset(
    (
        "cancel_order",
        "return_item",
        "exchange_item",
        "reorder_item",
        "cancel_membership",
        "request_agent",
        "request_callback",
    )
)


def test_it_understands_plain_messages_of_every_intent(understood: Understood) -> None:
    rows = table("functionality")
    wrong = [(row["text"], row["intent"], understood.intent(row["text"])) for row in rows]
    wrong = [each for each in wrong if each[1] != each[2]]
    assert len({row["intent"] for row in rows}) == 34
    assert 1 - len(wrong) / len(rows) >= 0.97, wrong


def test_what_means_the_same_is_understood_the_same(understood: Understood) -> None:
    cases = all_variants()
    swayed = [each for each in cases if understood.intent(each.text) != understood.intent(each.base)]
    told = [(each.kind, each.base, each.text, understood.intent(each.text)) for each in swayed]
    assert len(cases) >= 2000
    assert 1 - len(swayed) / len(cases) >= 0.97, (len(cases), Counter(each.kind for each in swayed), told)


def test_no_single_mechanical_change_sways_it_often(understood: Understood) -> None:
    same: defaultdict[str, list[bool]] = defaultdict(list)
    for each in all_variants():
        same[each.kind].append(understood.intent(each.text) == understood.intent(each.base))
    rates = {kind: sum(found) / len(found) for kind, found in same.items() if len(found) >= 30}
    assert min(rates.values()) >= 0.85, rates


@pytest.mark.parametrize("same", NUMBERED, ids=lambda same: same[0])
def test_which_order_it_is_about_sways_nothing(understood: Understood, same: list[str]) -> None:
    found = {(understood.intent(text), round(understood.of(text)["intent"]["confidence"], 4)) for text in same}
    assert len(found) == 1, found
    numbers = [each["value"] for text in same for each in understood.of(text)["entities"]]
    assert [text for text, number in zip(same, numbers, strict=True) if number not in text] == []


def test_a_card_that_pays_is_told_from_a_card_the_money_comes_back_to(understood: Understood) -> None:
    rows = table("ways_back")
    wrong = [(row["text"], found) for row in rows if (found := _ways_back(understood, row["text"])) != _wanted_way(row)]
    assert len(rows) >= 50
    assert 1 - len(wrong) / len(rows) >= 0.92, wrong


def _ways_back(understood: Understood, text: str) -> list[tuple[str, str]]:
    found = [each for each in understood.of(text)["entities"] if each["entity"] == "refund_method"]
    return [(text[each["start"] : each["end"]], each["value"]) for each in found]


def _wanted_way(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["surface"], row["value"])] if row["surface"] else []


def test_negation_tense_and_second_thoughts_turn_it(understood: Understood) -> None:
    rows = table("direction")
    wrong = []
    for row in rows:
        said = understood.intent(row["text"])
        if said in _forbidden(row) or (row["is"] and said != row["is"]):
            wrong.append((row["text"], said, row["not"], row["is"]))
    assert len(rows) >= 200
    assert 1 - len(wrong) / len(rows) >= 0.95, wrong


def test_a_negated_request_is_never_read_as_the_request(understood: Understood) -> None:
    rows = [(row["text"], _forbidden(row) & _REQUESTS) for row in table("direction") if row["kind"] == "negation"]
    rows = [(text, forbidden) for text, forbidden in rows if forbidden]
    assert len(rows) >= 80
    assert [text for text, forbidden in rows if understood.intent(text) in forbidden] == []


def _forbidden(row: dict[str, Any]) -> frozenset[str]:
    """Return what a message must not be read as: one intent or several."""
    return frozenset([row["not"]] if isinstance(row["not"], str) else row["not"] or [])


@pytest.mark.parametrize("row", table("naughty"), ids=lambda row: row["kind"])
def test_a_naughty_string_comes_back_whole_with_true_offsets(understood: Understood, row: dict[str, str]) -> None:
    text = row["text"]
    found = understood.of(text)
    assert found["text"] == text
    intents = [each for each in found["intent_ranking"] or [] if each["name"] != "nlu_fallback"]
    assert sum(each["confidence"] for each in intents) <= 1.001
    for entity in found["entities"]:
        assert 0 <= entity["start"] < entity["end"] <= len(text)
        if entity["entity"] == "product":
            assert normalize(text[entity["start"] : entity["end"]]).text.strip() == entity["value"].strip()


@pytest.mark.parametrize("text", BABBLE)
def test_babble_is_asked_about_again(understood: Understood, text: str) -> None:
    assert not _taken_for_a_wish(understood, text)


def test_letters_drawn_blindly_are_hardly_ever_taken_for_a_wish(understood: Understood) -> None:
    taken = [text for text in LETTERS if _taken_for_a_wish(understood, text)]
    assert len(taken) <= len(LETTERS) // 20, taken


def _taken_for_a_wish(understood: Understood, text: str) -> bool:
    return understood.of(text)["intent"]["name"] not in (None, "nlu_fallback", "out_of_scope")
