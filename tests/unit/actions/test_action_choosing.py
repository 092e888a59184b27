"""Which of the choices shown is told by words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from actions.choosing import picked, told_apart
from actions.slots import Turn
from madoguchi.services.views import Choice, Money
from madoguchi.store import ReturnAuthorization
from tests.unit.actions.conftest import Talk

type Begin = Callable[..., Talk]
POTS = (
    Choice("line:1", "アルミ片手鍋 16cm", price=Money(2400), on=datetime(2026, 5, 20, tzinfo=UTC), detail="S"),
    Choice("line:2", "ホーロー両手鍋 22cm", price=Money(9800), on=datetime(2026, 4, 2, tzinfo=UTC), detail="L"),
)


def turn(text: str, **entities: str) -> Turn:
    """One typed message."""
    found = {name: (value,) for name, value in entities.items()}
    return Turn("talk", "inform", text, typed=True, entities=found, slots={})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("一番上のやつ", "line:1"),
        ("2つ目です", "line:2"),
        ("高かったほう", "line:2"),
        ("値段の安い方でお願いします", "line:1"),
        ("先に買ったやつなんですけど", "line:2"),
        ("こないだ届いたほう", "line:1"),
        ("22cmの方です", "line:2"),
        ("アルミの", "line:1"),
        ("片手のほうになります", "line:1"),
        ("鍋です", None),
        ("アルミじゃなくてもう一方", None),
        ("アルミの方とホーローの方", None),
        ("アルミは無事で、ホーローのほうです", "line:2"),
        ("高いので迷っています", None),
        ("九番目のやつ", None),
        ("どっちだったかな", None),
    ],
)
def test_the_words_mean_one_of_them(text: str, meant: str | None) -> None:
    found = picked(turn(text), POTS)
    assert (found.value if found else None) == meant


def test_a_single_sign_names_a_thing_only_where_it_is_pointed_at() -> None:
    umbrellas = (Choice("line:1", "赤い日傘"), Choice("line:2", "青い雨具"))
    assert picked(turn("赤いほう"), umbrellas) == umbrellas[0]
    assert picked(turn("届いた日は覚えていません"), umbrellas) is None


def test_a_size_that_only_one_of_them_has_is_enough() -> None:
    found = picked(turn("Lです", size="L"), POTS)
    assert found is not None
    assert found.value == "line:2"


def test_of_equals_none_is_the_cheaper() -> None:
    twins = (Choice("line:1", "椀", price=Money(900)), Choice("line:2", "椀", price=Money(900)))
    assert picked(turn("安いほう"), twins) is None


@pytest.mark.parametrize("intent", ["inform", "nlu_fallback", "affirm"])
def test_a_choice_told_by_its_price_is_proposed(talk: Begin, intent: str) -> None:
    begun = talk(
        orders={
            "small": {"title": "アルミ片手鍋", "price": 2400, "delivered": "-3d"},
            "large": {"title": "ホーロー両手鍋", "price": 9800, "delivered": "-5d"},
        }
    )
    begun.hear("report_defect", "鍋の取っ手が取れました")
    assert "9,800円" in begun.hear(intent, "高いほうです")[-1]
    begun.hear("affirm", "はい")
    with begun.desk.store.reading() as session:
        assert session.scalars(select(ReturnAuthorization.order_number)).all() == [begun.names["orders"]["large"]]


KNITS = (Choice("line:1", "ニット ネイビー", detail="S"), Choice("line:2", "ニット グレー", detail="M"))
COATS = (Choice("line:1", "レインコート", detail="S"), Choice("line:2", "レインコート", detail="L"))


@pytest.mark.parametrize(
    ("text", "choices", "meant"),
    [
        ("ニットのネイビー、きつくて着られません", KNITS, "line:1"),
        ("ネイビーは問題なくて、グレーのニットです", KNITS, "line:2"),
        ("ネイビーとグレーのニット", KNITS, None),
        ("ニットがきついです", KNITS, None),
        ("レインコートのSのほうです", COATS, "line:1"),
        ("レインコートをLに替えてください", COATS, None),
    ],
)
def test_like_articles_are_told_apart_before_they_are_shown(
    text: str, choices: tuple[Choice, ...], meant: str | None
) -> None:
    found = told_apart(turn(text), choices)
    assert (found.value if found else None) == meant
