"""The names of refund methods, and learning from a context which of them are the way the money comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.nlu.rules.refunds import ways_named
from engine.nlu.text import normalize
from engine.nlu.ways import WayBack, contexts

WEIGHED = WayBack({"just behind に": 2.0, "just behind で": -2.0, "says 返金": 1.0, "two ways": 0.5}, bias=-0.5)


def chances(text: str) -> list[float]:
    return [WEIGHED.chance(each) for each in contexts(text, ways_named(text))]


@pytest.mark.parametrize(
    ("typed", "surface", "value"),
    [
        ("マスターカードに", "マスターカード", "original_payment"),
        ("払ったときと同じ方法で", "払ったときと同じ方法", "original_payment"),
        ("元の支払い方法で", "元の支払い方法", "original_payment"),
        ("ｸﾚｼﾞｯﾄで", "ｸﾚｼﾞｯﾄ", "original_payment"),
        ("ストアクレジットで", "ストアクレジット", "gift_balance"),
        ("アカウント残高に", "アカウント残高", "gift_balance"),
        ("銀行振り込みで", "銀行振り込み", "bank_transfer"),
        ("銀行の口座に", "口座", "bank_transfer"),
        ("VISAに", "VISA", "original_payment"),
        ("かーどに", "かーど", "original_payment"),
        ("アカウントの残高に", "アカウントの残高", "gift_balance"),
        ("口座に振り込みで", "口座", "bank_transfer"),
    ],
)
def test_one_name_a_way_as_it_was_typed(typed: str, surface: str, value: str) -> None:
    normalized = normalize(typed)
    found = [(typed[slice(*normalized.span(name.start, name.end))], name.value) for name in ways_named(normalized.text)]
    assert found == [(surface, value)]


def test_the_context_tells_what_a_name_means() -> None:
    assert chances("クレカで買いました")[0] < 0.5 < chances("クレカに返して")[0]
    paid, back = chances("カードで買いました、口座に返してください")
    assert paid < 0.5 < back


def test_a_choice_of_two_ways_and_the_word_for_it_count() -> None:
    assert chances("カードか口座") > chances("カードかクレカ")
    assert chances("返金のカード") > chances("財布のカード")


def test_what_was_learned_is_the_same_after_loading(tmp_path: Path) -> None:
    WEIGHED.save(tmp_path)
    assert WayBack.load(tmp_path) == WEIGHED


def test_nothing_learned_is_nothing_loaded(tmp_path: Path) -> None:
    assert WayBack.load(tmp_path) is None
