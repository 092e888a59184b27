"""Katakana alone is put into its usual script, character for character; any other text stays as it is."""

from __future__ import annotations

import pytest

from engine.nlu.kana import ForeignWords

WORDS = ForeignWords.fit(
    [
        "キャンセルをお願いします",
        "キャンセルできますか",
        "サイズが合いません",
        "サイズを変えたい",
        "サービス",
        "一度だけのカメラ",
    ]
)


def test_a_word_counts_once_it_stands_in_two_examples_of_mixed_script() -> None:
    assert WORDS.words == {"キャンセル", "サイズ"}


@pytest.mark.parametrize(
    ("typed", "usual"),
    [
        (
            "マチガエテチュウモンシチャッタ キャンセルシテクダサイ",
            "まちがえてちゅうもんしちゃった キャンセルしてください",
        ),
        ("サイズコウカンデキマスカ 24cmニシタイデス", "サイズこうかんできますか 24cmにしたいです"),
        ("モウイイデス!", "もういいです!"),
        ("ヴァイオリンガコワレマシタ", "ゔぁいおりんがこわれました"),
    ],
)
def test_katakana_alone_becomes_what_is_usually_written(typed: str, usual: str) -> None:
    assert WORDS.usual_script(typed) == usual
    assert len(usual) == len(typed)


@pytest.mark.parametrize(
    "typed", ["キャンセルして", "サイズ交換", "キャンセル", "ハイ", "OK", "", "250-1234567-7654321"]
)
def test_any_other_text_stays_as_it_is(typed: str) -> None:
    assert WORDS.usual_script(typed) == typed
