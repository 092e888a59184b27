"""A lesson is a one-line diff: comments, order, indentation and line ends of a file stay as somebody chose them."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path

import pytest

from madoguchi.training import files
from madoguchi.training.corpus import Shelf
from madoguchi.training.files import Add, Remove, Replace, Unreadable
from tests.conftest import ROOT

FILES = sorted((ROOT / "data" / "nlu").glob("*.yml"))
ODD = """# はじめの注
version: "3.1"   # 版

nlu:
  # 二つの意図が一つのファイルに
  - intent: greet
    examples: |
        - こんにちは
        - [やあ](mood)

  - intent: thank
    examples: |
        - ありがとう
  - regex: number
    examples: |
        - \\d+
  - intent: greet
    examples:
      - text: |
          複数行の
          あいさつ
      - text: "おはよう"   # 朝
        metadata: {source: 手}

# おわりの注
lookup: []
"""


def diff(before: str, after: str) -> list[str]:
    """Return the lines that differ, each with its sign."""
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm="")
    return [line for line in lines if line.startswith(("+", "-")) and line[:3] not in ("+++", "---")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_lesson_in_any_file_of_ours_is_one_line(path: Path) -> None:
    before = path.read_text()
    added, _ = files.change(before, [Add(path.stem, "新しい例文：これ")])
    assert diff(before, added) == ["+    - 新しい例文：これ"]
    again, _ = files.change(added, [Remove(path.stem, "新しい例文：これ")])
    assert again == before
    third = files.entries(before)[2].written
    replaced, _ = files.change(before, [Replace(path.stem, third, "別の言い方")])
    assert diff(before, replaced) == [f"-    - {third}", "+    - 別の言い方"]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_file_in_another_style_keeps_it(ends: str) -> None:
    odd = ODD.replace("\n", ends)
    end = ends[:-1]
    assert [entry.written for entry in files.entries(odd)] == [
        "こんにちは", "[やあ](mood)", "ありがとう", "複数行の\nあいさつ", "おはよう"
    ]  # fmt: skip
    added, _ = files.change(odd, [Add("greet", "やっほー"), Add("thank", "どうも"), Remove("greet", "こんにちは")])
    assert diff(odd, added) == [f"-        - こんにちは{end}", f"+        - やっほー{end}", f"+        - どうも{end}"]
    listed, _ = files.change(odd, [Add("greet", "一\n二")])
    assert diff(odd, listed) == [f'+      - text: "一\\n二"{end}']
    without, _ = files.change(odd, [Remove("greet", "複数行の\nあいさつ")])
    assert diff(odd, without) == [f"-      - text: |{end}", f"-          複数行の{end}", f"-          あいさつ{end}"]


def test_an_example_that_is_gone_is_told_and_the_rest_is_done() -> None:
    changed, missed = files.change(ODD, [Remove("greet", "もうない"), Add("thank", "どうも")])
    assert missed == (Remove("greet", "もうない"),)
    assert diff(ODD, changed) == ["+        - どうも"]


@pytest.mark.parametrize("broken", ["nlu: [", "- a\n- b", "nlu:\n- intent: x\n  examples: |\n  - y\n z: ["])
def test_a_broken_file_is_refused_with_a_sentence(broken: str) -> None:
    with pytest.raises(Unreadable):
        files.change(broken, [Add("x", "y")])


def test_a_folded_block_is_never_guessed_at() -> None:
    folded = 'version: "3.1"\nnlu:\n- intent: greet\n  examples: >\n    - やあ\n\n    - どうも\n'
    with pytest.raises(Unreadable):
        files.change(folded, [Replace("greet", "やあ", "こんにちは")])


def test_the_shelf_reads_again_only_what_changed(tmp_path: Path) -> None:
    for path in FILES[:3]:
        shutil.copy(path, tmp_path)
    shelf = Shelf(tmp_path)
    first = shelf.corpus()
    assert shelf.corpus() is first
    content = (tmp_path / FILES[0].name).read_text()
    (tmp_path / FILES[0].name).write_text(files.change(content, [Add(FILES[0].stem, "ひとつ増えた")])[0])
    second = shelf.corpus()
    assert len(second.examples) == len(first.examples) + 1
    assert second.twins("ひとつ 増えた!")[0].intent == FILES[0].stem
    (tmp_path / "broken.yml").write_text("nlu: [")
    assert list(shelf.corpus().broken) == ["broken.yml"]
