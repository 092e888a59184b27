"""Searching the examples: by their words in any width, as they are typed, each once and in the files' order."""

from __future__ import annotations

import pytest

from madoguchi.training.corpus import Corpus, Example
from madoguchi.training.notation import Said
from madoguchi.training.sameness import key

ROWS = (
    ("return_item", "この靴を返品したい"),
    ("return_item", "ｽﾆｰｶｰを返したい、靴です"),
    ("cancel_order", "（靴）をキャンセル"),
    ("thank", "！？"),
    ("thank", "靴、靴、靴"),
    ("thank", "どうも"),
)
CORPUS = Corpus(
    tuple(Example(name, Said(text), text, "f", n, key(text)) for n, (name, text) in enumerate(ROWS)), {}, {}
)


@pytest.mark.parametrize(
    ("words", "intent", "found"),
    [
        ("靴", None, [0, 1, 2, 4]),
        ("靴", "thank", [4]),
        ("スニーカー", None, [1]),
        ("ｽﾆｰｶｰ", None, [1]),
        ("（靴）", None, [0, 1, 2, 4]),
        ("！？", None, [3]),
        ("返品 したい", None, [0]),
        ("したいスニーカー", None, []),
        ("たい\0ス", None, []),
        ("どうも", None, [5]),
        ("どうもありがとう", None, []),
        ("", "thank", [3, 4, 5]),
        ("  ", None, [0, 1, 2, 3, 4, 5]),
        ("靴", "no_such", []),
        ("", "no_such", []),
    ],
)
def test_what_is_found(words: str, intent: str | None, found: list[int]) -> None:
    assert [each.line for each in CORPUS.find(words, intent)] == found


def test_nothing_is_found_where_nothing_is() -> None:
    assert list(Corpus((), {}, {}).find("靴")) == []
