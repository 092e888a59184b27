"""Entities by rules: what they find in a message, and what only looks like it."""

from __future__ import annotations

import datetime

import pytest

from engine.nlu.rules.find import find_entities
from engine.nlu.rules.numerals import number
from engine.nlu.text import normalize

THURSDAY = datetime.date(2026, 3, 5)


def found(entity: str, typed: str, day: datetime.date = THURSDAY) -> list[tuple[str, str]]:
    """Return what rules find of one entity, as typed and as normalised."""
    normalized = normalize(typed)
    spans = [span for span in find_entities(normalized.text, day) if span.entity == entity]
    return [(typed[slice(*normalized.span(span.start, span.end))], span.value) for span in spans]


@pytest.mark.parametrize(
    "typed",
    [
        "250-1234567-7654321",
        "２５０－１２３４５６７－７６５４３２１",
        "250‐1234567‐7654321",
        "250ー1234567ー7654321",
        "250−1234567−7654321",
        "250 1234567 7654321",
        "250 - 1234567 - 7654321",
        "25012345677654321",
        "２５０１２３４５６７７６５４３２１",
        "250の1234567の7654321",
        "250ハイフン1234567ハイフン7654321",
        "二五〇の一二三四五六七の七六五四三二一",
        "250.1234567.7654321",
    ],
)
@pytest.mark.parametrize("frame", ["{}", "注文番号は{}です", "番号{}の件", "😀{}！", "({})"])
def test_an_order_number_is_found_however_it_is_written(typed: str, frame: str) -> None:
    assert found("order_number", frame.format(typed)) == [(typed, "250-1234567-7654321")]


@pytest.mark.parametrize("typed", ["250-1234567-765432", "250-1234567-76543210", "1250-1234567-7654321", "1234567"])
def test_other_numbers_are_no_order_number(typed: str) -> None:
    assert found("order_number", typed) == []


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("090-1234-5678", "+819012345678"),
        ("０９０ー１２３４ー５６７８", "+819012345678"),
        ("09012345678", "+819012345678"),
        ("090 1234 5678", "+819012345678"),
        ("+81 90-1234-5678", "+819012345678"),
        ("03-1234-5678", "+81312345678"),
        ("(03)1234-5678", "+81312345678"),
        ("052-123-4567", "+81521234567"),
        ("0120-123-456", "+81120123456"),
        ("〇九〇の一二三四の五六七八", "+819012345678"),
    ],
)
def test_a_phone_number_is_e164(typed: str, value: str) -> None:
    assert found("phone_number", f"{typed}までお願いします") == [(typed, value)]


def test_digits_of_an_order_number_are_no_phone_number() -> None:
    assert found("phone_number", "250-0901234-5678901と080-1111-2222です") == [("080-1111-2222", "+818011112222")]
    assert found("phone_number", "2500901234567890") == []


@pytest.mark.parametrize(
    ("typed", "surface", "value"),
    [
        ("昨日届きました", "昨日", "2026-03-04"),
        ("きのう届きました", "きのう", "2026-03-04"),
        ("一昨日です", "一昨日", "2026-03-03"),
        ("明後日までに", "明後日", "2026-03-07"),
        ("3月5日に", "3月5日", "2026-03-05"),
        ("３月５日に", "３月５日", "2026-03-05"),
        ("三月五日に", "三月五日", "2026-03-05"),
        ("十二月二十五日に買った", "十二月二十五日", "2025-12-25"),
        ("3/5に", "3/5", "2026-03-05"),
        ("2025/12/31に", "2025/12/31", "2025-12-31"),
        ("令和七年十月一日に", "令和七年十月一日", "2025-10-01"),
        ("三日前に", "三日前", "2026-03-02"),
        ("10日後に", "10日後", "2026-03-15"),
        ("先週の月曜に", "先週の月曜", "2026-02-23"),
        ("先週の月曜日に", "先週の月曜日", "2026-02-23"),
        ("来週の金曜に", "来週の金曜", "2026-03-13"),
        ("月曜日に届きました", "月曜日", "2026-03-02"),
        ("月曜日に届きますか", "月曜日", "2026-03-09"),
        ("先月の20日に", "先月の20日", "2026-02-20"),
        ("25日に届きました", "25日", "2026-02-25"),
        ("12月28日に注文", "12月28日", "2025-12-28"),
    ],
)
def test_a_date_is_resolved_against_the_day_of_the_message(typed: str, surface: str, value: str) -> None:
    assert found("date", typed) == [(surface, value)]


@pytest.mark.parametrize(
    "typed",
    [
        "先週買いました",
        "30日以内",
        "3日間待った",
        "2月30日に",
        "先日の件",
        "毎週月曜に",
        "火曜以外で",
        "もう5日待って",
        "給料日前",
        "わたし 会員 きょうみ あります",
        "きょうだいで使います",
    ],
)
def test_vague_or_impossible_days_are_no_date(typed: str) -> None:
    assert found("date", typed) == []


@pytest.mark.parametrize(
    ("typed", "surface", "value"),
    [
        ("Lサイズのパンツ", "Lサイズ", "L"),
        ("Ｍで注文", "Ｍ", "M"),
        ("3Lが小さい", "3L", "3L"),
        ("２７．５ｃｍです", "２７．５ｃｍ", "27.5cm"),
        ("26.0cmの靴", "26.0cm", "26cm"),
        ("二十四センチの靴", "二十四センチ", "24cm"),
        ("フリーサイズです", "フリーサイズ", "free"),
        ("エルサイズです", "エルサイズ", "L"),
        ("150サイズを買った", "150サイズ", "150"),
        ("lサイズで", "lサイズ", "L"),
    ],
)
def test_sizes(typed: str, surface: str, value: str) -> None:
    assert found("size", typed) == [(surface, value)]


@pytest.mark.parametrize(
    "typed", ["おねがいしまs", "身長152センチです", "10センチも短い", "L字型の机", "LEDライト", "大きいサイズ"]
)
def test_what_only_looks_like_a_size(typed: str) -> None:
    assert found("size", typed) == []


@pytest.mark.parametrize(
    ("typed", "surface", "value"),
    [
        ("2個頼んだ", "2個", "2"),
        ("二つ返したい", "二つ", "2"),
        ("ひとつだけ", "ひとつ", "1"),
        ("１２本届いた", "１２本", "12"),
        ("十二枚です", "十二枚", "12"),
        ("3ケース", "3ケース", "3"),
    ],
)
def test_quantities(typed: str, surface: str, value: str) -> None:
    assert found("quantity", typed) == [(surface, value)]


@pytest.mark.parametrize(
    "typed", ["二つ目のボタン", "一つ上のサイズ", "5000円です", "一度使った", "メールが二つ来た", "電話一本よこさない"]
)
def test_what_only_looks_like_a_quantity(typed: str) -> None:
    assert found("quantity", typed) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("十二", 12), ("一二", 12), ("百二十", 120), ("二十", 20), ("〇", 0), ("人", None), ("", None)],
)
def test_numerals(text: str, value: int | None) -> None:
    assert number(text) == value
