"""Examples go out and come back in every form, character by character; a wrong file is told in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from madoguchi.training import exchange
from madoguchi.training.corpus import Shelf
from madoguchi.training.exchange import FORMS, Labelled, WrongFile
from madoguchi.training.notation import Mark, Said
from tests.conftest import ROOT
from tests.unit.training.reading import read_by_rasa
from tests.unit.training.test_roundtrip import TEXTS, TRAPS


@pytest.mark.parametrize("form", FORMS)
def test_our_own_examples_come_back(form: str, tmp_path: Path) -> None:
    (tmp_path / "inform.yml").write_bytes((ROOT / "data" / "nlu" / "inform.yml").read_bytes())
    ours = [Labelled(each.intent, each.said) for each in Shelf(tmp_path).corpus().examples]
    assert exchange.read(exchange.write(ours, form), form) == ours
    assert any(each.said.marks for each in ours)


@pytest.mark.parametrize("form", FORMS)
def test_traps_come_back(form: str) -> None:
    ours = [Labelled("thank", Said(text)) for text in TRAPS]
    back = exchange.read(exchange.write(ours, form), form)
    assert sorted(each.said.text for each in back) == sorted(TRAPS)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(text=TEXTS)
def test_any_text_comes_back(form: str, text: str) -> None:
    ours = [Labelled("thank", Said(text)), Labelled("thank", Said("靴を二つ", (Mark(2, 4, "quantity", "2"),)))]
    assert sorted(exchange.read(exchange.write(ours, form), form), key=str) == sorted(ours, key=str)


def test_rasa_reads_the_export(tmp_path: Path) -> None:
    said = Said("[注]靴を二つ ${HOME}", (Mark(3, 4, "product"), Mark(5, 7, "quantity", "2")))
    (tmp_path / "out.yml").write_bytes(exchange.write([Labelled("return_item", said)], "rasa").encode())
    expected = [["return_item", said.text, [[3, 4, "product", "靴"], [5, 7, "quantity", "2"]]]]
    assert read_by_rasa(tmp_path / "out.yml") == expected


def test_a_spreadsheet_sees_no_formula() -> None:
    sheet = exchange.write([Labelled("thank", Said("=1+1"))], "csv")
    assert "\n=" not in sheet
    assert ",=" not in sheet


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("rasa", "nlu: ["),
        ("jsonl", '{"text": 1}'),
        ("jsonl", "not json"),
        ("jsonl", '{"text": "a", "intent": "b", "entities": [{"start": 0}]}'),
        ("csv", "a,b\n1,2\n"),
        ("label-studio", json.dumps([{"data": {"text": "a"}}])),
        ("label-studio", "{}x"),
    ],
)
def test_a_wrong_file_is_told_in_a_sentence(form: str, content: str) -> None:
    with pytest.raises(WrongFile):
        exchange.read(content, form)
