"""Normalisation: what it unifies, what it leaves alone, and offsets that always point into the original."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.nlu.text import MAX_CHARACTERS, normalize


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ﾊｰﾌﾊﾟﾝﾂが小さい", "ハーフパンツが小さい"),
        ("２５０－１２３４５６７－７６５４３２１", "250-1234567-7654321"),
        ("250‐1234567−7654321", "250-1234567-7654321"),
        ("250ー1234567ー7654321", "250-1234567-7654321"),
        ("コーヒーメーカー", "コーヒーメーカー"),
        ("すご〜〜〜い", "すごーい"),
        ("まだですかーーー", "まだですかー"),
        ("やばいｗｗｗ", "やばい"),
        ("届いたwww", "届いた"),
        ("wwwって何", "wwwって何"),
        ("www.example.com", "www.example.com"),
        ("壊れました(泣)", "壊れました"),
        ("届きません(T_T)", "届きません"),
        ("(株)山田のカメラ", "(株)山田のカメラ"),
        ("サイズ(L)です", "サイズ(L)です"),
        ("まだ!?!?", "まだ?"),
        ("もう。。。", "もう。"),
        ("もうううう", "もう"),
        ("かわいいいい", "かわいい"),
        ("キャンセル したい です", "キャンセルしたいです"),
        ("はい\nお願いします", "はい\nお願いします"),
        ("Nikon Z 8 のカメラ", "Nikon Z 8 のカメラ"),
        ("壊れました😭😭", "壊れました"),
        ("👍", "👍"),
        ("\u2060\ufeff/restart", "/restart"),
        ("か\u3099っかり", "がっかり"),
        ("\ud800はい", "はい"),
        ("", ""),
        (" \u3000\n", ""),
    ],
)
def test_it_unifies_what_means_the_same(typed: str, expected: str) -> None:
    assert normalize(typed).text == expected


@pytest.mark.parametrize(
    ("typed", "normalised_part", "typed_part"),
    [
        ("😭ﾊｰﾌﾊﾟﾝﾂが小さい", "ハーフパンツ", "ﾊｰﾌﾊﾟﾝﾂ"),
        (
            "\u2060番号は２５０－１２３４５６７－７６５４３２１です",
            "250-1234567-7654321",
            "２５０－１２３４５６７－７６５４３２１",
        ),
        ("すご〜〜〜いカメラ", "カメラ", "カメラ"),
        ("㌢で", "センチ", "㌢"),
    ],
)
def test_a_span_points_into_what_was_typed(typed: str, normalised_part: str, typed_part: str) -> None:
    normalized = normalize(typed)
    at = normalized.text.index(normalised_part)
    start, end = normalized.span(at, at + len(normalised_part))
    assert typed[start:end] == typed_part
    assert normalized.text[slice(*normalized.find_span(start, end))] == normalised_part


@given(st.text(max_size=60))
def test_offsets_are_true_for_any_text(typed: str) -> None:
    normalized = normalize(typed)
    assert normalized.original == typed
    assert len(normalized.text) == len(normalized.starts) == len(normalized.ends)
    assert all(0 <= start < end <= len(typed) for start, end in zip(normalized.starts, normalized.ends, strict=True))
    assert list(normalized.starts) == sorted(normalized.starts)
    assert list(normalized.ends) == sorted(normalized.ends)


def test_a_message_too_long_is_understood_by_its_beginning() -> None:
    assert normalize("カメラ" * 40_000).text == ("カメラ" * 40_000)[:MAX_CHARACTERS]
