"""No personal data of a message gets into an example; what is none stays as it was."""

from __future__ import annotations

import random

import pytest

from madoguchi.training import masking
from madoguchi.training.masking import ORDER_NUMBER, PHONE
from madoguchi.training.notation import Mark, Said

WIDE = str.maketrans("0123456789-@.+() ", "０１２３４５６７８９－＠．＋（）　")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("注文番号250-4471902-3385610の靴", f"注文番号{ORDER_NUMBER}の靴"),
        ("TELは090-9876-5432です", f"TELは{PHONE}です"),
        ("電話は(03)9876-5432まで", f"電話は{PHONE}まで"),
        ("+81 90-9876-5432へ", f"{PHONE}へ"),
        ("4111 1111 1111 1111で払った", "0000-0000-0000-0000で払った"),
        ("マイナンバー123456789018", "マイナンバー000000000000"),
        ("送り状4012-3456-7890", "送り状0000-0000-0000"),
        ("郵便番号は150-0002です", "郵便番号は100-0001です"),
        ("佐藤花子と申します。靴の件です", "山田と申します。靴の件です"),
        ("こんにちは、鈴木 一郎です", "こんにちは、山田です"),
        ("名前は高橋ゆみです", "名前は山田です"),
        ("東京都世田谷区桜新町1-2-3 サンハイツ203号室に住んでいます", "東京都千代田区1-1-1に住んでいます"),
        ("渋谷区渋谷2丁目24番12号へ", "東京都千代田区1-1-1へ"),
    ],
)
def test_the_rules_find_it_in_any_width(text: str, expected: str) -> None:
    assert masking.mask(Said(text), ()).said.text == expected
    wide = text.translate(WIDE)
    left = masking.mask(Said(wide), ()).said.text
    digits = [char for char in left if char.isdigit()]
    stand_in = [char for char in expected if char.isdigit()]
    assert "".join(digits).translate(WIDE) == "".join(stand_in).translate(WIDE)


@pytest.mark.parametrize(
    "text",
    [
        "9,800円でした",
        "128000円もした",
        "27.5cmの靴",
        "3月5日に届いた",
        "2026/11/23に注文",
        "市区町村の設定",
        "町の電気屋で買った",
        "3個中2個が割れていた",
    ],
)
def test_prices_sizes_dates_and_common_words_stay(text: str) -> None:
    assert masking.mask(Said(text), ()).said.text == text
    assert masking.is_clean(text)


def test_marks_move_with_the_text_and_take_the_stand_in() -> None:
    text = "長谷川です。注文250-4471902-3385610の靴を二つ"
    number, shoe, two = text.index("250"), text.index("靴"), text.index("二つ")
    marks = (
        Mark(number, number + 19, "order_number", "x"),
        Mark(shoe, shoe + 1, "product"),
        Mark(two, two + 2, "quantity", "2"),
    )
    found = masking.mask(Said(text, marks), [(0, 3, "person")]).said
    said = [(found.text[each.start : each.end], each.entity, each.value) for each in found.marks]
    assert found.text.startswith("山田です。")
    assert said == [(ORDER_NUMBER, "order_number", None), ("靴", "product", None), ("二つ", "quantity", "2")]


def test_what_a_trainer_keeps_stays_and_what_rules_find_goes_all_the_same() -> None:
    text = "ライカが壊れました。090-9876-5432へ"
    found = masking.mask(Said(text), [(0, 3, "person"), (10, 23, "person")], frozenset({"ライカ", "090-9876-5432"}))
    assert found.said.text == f"ライカが壊れました。{PHONE}へ"


def test_five_hundred_numbers_in_every_width_are_found() -> None:
    chance = random.Random(7)
    for _ in range(500):
        digits = "".join(chance.choice("0123456789") for _ in range(8))
        kind = chance.choice(["090-{}-{}", "080{}{}", "03-{}-{}", "+81 90-{}-{}"])
        phone = kind.format(digits[:4], digits[4:])
        text = f"連絡は{phone if chance.random() < 0.5 else phone.translate(WIDE)}へお願いします"
        masked = masking.mask(Said(text), ()).said.text
        assert masked == f"連絡は{PHONE}へお願いします", text
