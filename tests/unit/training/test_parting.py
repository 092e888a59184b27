"""A message parted in two: where it is parted, what is left out, and which marks stay."""

from __future__ import annotations

import pytest

from madoguchi.training.notation import Mark, Said
from madoguchi.training.parting import part

TEXT = "返品したいのと、会員もやめたいです"


@pytest.mark.parametrize(
    ("text", "start", "end", "parted"),
    [
        (TEXT, 8, None, ("返品したいのと", "会員もやめたいです")),
        (TEXT, 7, None, ("返品したいのと", "会員もやめたいです")),
        (TEXT, 5, 8, ("返品したい", "会員もやめたいです")),
        (TEXT, 0, 5, ("返品したい", "のと、会員もやめたいです")),
        (TEXT, 8, len(TEXT), ("返品したいのと", "会員もやめたいです")),
        ("動きません。　\n返金はいつ？", 6, None, ("動きません。", "返金はいつ？")),
        ("😀返品と解約", 3, 4, ("😀返品", "解約")),
        (TEXT, 0, None, None),
        (TEXT, len(TEXT), None, None),
        (TEXT, 0, len(TEXT), None),
        (TEXT, 5, 4, None),
        (TEXT, 5, 400, None),
        ("、、返品", 2, None, None),
        ("", 0, None, None),
    ],
)
def test_where_it_is_parted(text: str, start: int, end: int | None, parted: tuple[str, str] | None) -> None:
    found = part(Said(text), start, end)
    assert (found and (found.first.text, found.second.text)) == parted


def test_marks_stay_with_their_words_and_one_that_is_cut_through_goes() -> None:
    text = "二つ目の靴を返品、加湿器は交換で"
    marks = (Mark(0, 3, "quantity"), Mark(4, 5, "product"), Mark(9, 12, "product", "加湿器"))
    found = part(Said(text, marks), 9)
    assert found is not None
    assert found.first == Said("二つ目の靴を返品", marks[:2])
    assert found.second == Said("加湿器は交換で", (Mark(0, 3, "product", "加湿器"),))
    cut = part(Said(text, marks), 10)
    assert cut is not None
    assert cut.second.marks == ()
