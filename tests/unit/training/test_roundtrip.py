"""Whatever a trainer writes comes back character by character, from our reader and from Rasa's; nothing expands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from madoguchi.training import files, notation
from madoguchi.training.files import Add, Remove, Replace
from madoguchi.training.notation import Mark, Said, Unwritable
from tests.unit.training.reading import read_by_rasa

COUNT = 10_000 if os.environ.get("MADOGUCHI_PROVE") else 500

TRAPS = [
    "${PLANTED}",
    "返金${PLANTED}して",
    "key: value",
    "- と # と : の文",
    "'一重' と \"二重\" の引用",
    "[靴](product)",
    '[二つ]{"entity": "quantity", "value": "2"}',
    "[x][y](z)",
    "[[][]",
    "[",
    "]](",
    "  前後に空白  ",
    "改行\nを含む文",
    "改行\r\n二つ\n\n",
    "\tタブ\t",
    "行区切り\u2028と段落\u2029と\x85",
    "見えない\u200b\ufeff文字",
    "😀👨‍👩‍👧‍👦 ﾊﾝｶｸ",
    "\\n \\u3042 \\x41 \\",
    "!!python/object:os.system",
    "&a *a %YAML ? | > @ `",
    "{% raw %}{{ 7*7 }}",
    "null",
    "~",
    "-",
    "- ",
    "---",
    "...",
    "# 注",
    "|",
    "<!-- -->",
    '/cancel_order{"a": 1}',
    "\x00\x07\x1b\x7f",
    "𠮷野家\U000e0100",
    "￥９，８００",
]
# Pieces that files stumble over, put together at random beside wholly arbitrary text.
PIECES = st.sampled_from(
    [*"[](){}:#-'\"$\\|>&*!%@`~\n\r\t 　", "${PLANTED}", "](", "][", "靴", "返品", "😀", "\u2028", "\x85"]
)
TEXTS = st.one_of(
    st.text(min_size=1, max_size=40),
    st.lists(PIECES, min_size=1, max_size=14).map("".join),
)


def generated(count: int) -> list[str]:
    """Return so many different generated texts, always the same ones for one count."""
    found: dict[str, None] = dict.fromkeys(TRAPS)

    @settings(
        max_examples=count * 2,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(TEXTS)
    def collect(text: str) -> None:
        found[text] = None

    while len(found) < count:
        before = len(found)
        collect()
        if len(found) == before:
            break
    return list(found)[:count]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return generated(COUNT)


def test_every_text_comes_back_from_our_reader_and_from_rasas(tmp_path: Path, texts: list[str]) -> None:
    assert len(texts) == COUNT
    path = tmp_path / "thank.yml"
    content = files.new_file("thank", "お礼", ["ありがとう"])
    content, missed = files.change(content, [Add("thank", notation.write(Said(text))) for text in texts])
    assert not missed
    path.write_bytes(content.encode())

    ours = [notation.read(entry.written).text for entry in files.entries(content)]
    assert sorted(ours) == sorted(["ありがとう", *texts])
    theirs = read_by_rasa(path)
    assert sorted(text for _, text, _ in theirs) == sorted(["ありがとう", *texts])
    assert not any(entities for _, _, entities in theirs), "a text was taken for Rasa's notation"
    assert "expanded!" not in str(theirs)


def test_marked_entities_come_back_from_rasa(tmp_path: Path) -> None:
    said = [
        Said("[注]二つの靴を(返品)", (Mark(3, 5, "quantity", "2"), Mark(6, 7, "product"))),
        Said("Lサイズ：赤", (Mark(0, 4, "size"),)),
        Said(" 靴", (Mark(1, 2, "product"),)),
        Said("靴\n返品", (Mark(0, 1, "product"),)),
        Said("a(b", (Mark(0, 3, "product", "x)y"),)),
    ]
    content = files.new_file("return_item", "返品", [notation.write(each) for each in said])
    (tmp_path / "return_item.yml").write_bytes(content.encode())
    expected = [
        [each.text, [[m.start, m.end, m.entity, m.value or each.text[m.start : m.end]] for m in each.marks]]
        for each in said
    ]
    theirs = [[text, entities] for _, text, entities in read_by_rasa(tmp_path / "return_item.yml")]
    assert sorted(theirs) == sorted(expected)


@pytest.mark.parametrize(
    "said",
    [
        Said(""),
        Said("靴と箱", (Mark(0, 2, "a"), Mark(1, 3, "b"))),
        Said("靴", (Mark(0, 2, "product"),)),
        Said("靴]", (Mark(0, 2, "product"),)),
        Said("靴", (Mark(0, 1, "product", "a}b"),)),
    ],
)
def test_what_the_notation_cannot_say_is_refused_not_bent(said: Said) -> None:
    with pytest.raises(Unwritable):
        notation.write(said)


@settings(max_examples=COUNT // 10, deadline=None, derandomize=True)
@given(TEXTS)
def test_a_text_added_changed_and_removed_leaves_the_file_as_it_was(text: str) -> None:
    written = notation.write(Said(text))
    before = files.new_file("thank", "お礼", ["ありがとう", "どうも"])
    added, _ = files.change(before, [Add("thank", written)])
    changed, _ = files.change(added, [Replace("thank", "どうも", written), Replace("thank", written, "どうも")])
    after, missed = files.change(changed, [Remove("thank", written)])
    assert not missed
    assert sorted(e.written for e in files.entries(after)) == sorted(e.written for e in files.entries(before))
