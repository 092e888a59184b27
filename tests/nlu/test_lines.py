"""Files of messages: what is read, and the one sentence that a wrong line gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.lines import GoldEntity, WrongLine, read_lines
from engine.scores import judge


def _file(folder: Path, *rows: str) -> Path:
    path = folder / "messages.jsonl"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_line_keeps_its_text_its_day_and_its_entities(tmp_path: Path) -> None:
    row = (
        '{"text": "はい\\u2028", "intent": "affirm", "day": "2026-03-05", '
        '"entities": [{"entity": "size", "value": "M"}]}'
    )
    (line,) = read_lines([_file(tmp_path, row)], labelled=True)
    assert (line.text, line.intent, line.day) == ("はい\u2028", "affirm", "2026-03-05")
    assert line.entities == (GoldEntity("size", "M", None),)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{", "line 2: not a JSON object."),
        ("[]", "line 2: not a JSON object."),
        ('{"intent": "affirm"}', 'line 2: "text" must be a string.'),
        ('{"text": "はい"}', 'line 2: "intent" must name the intent.'),
        ('{"text": "はい", "intent": "affirm", "day": "昨日"}', 'line 2: "day" must be a date such as "2026-03-05".'),
        ('{"text": "はい", "intent": "affirm", "entities": [{"value": "M"}]}', 'line 2: "entities" must be a list of'),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: str, complaint: str) -> None:
    with pytest.raises(WrongLine, match=complaint.replace("[", r"\[")):
        read_lines([_file(tmp_path, '{"text": "はい", "intent": "affirm"}', row)], labelled=True)


def test_a_missing_and_an_empty_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(WrongLine, match="cannot be read"):
        read_lines([tmp_path / "none.jsonl"], labelled=True)
    with pytest.raises(WrongLine, match="holds no message"):
        read_lines([_file(tmp_path, "")], labelled=True)


def _prediction(intent: str, *entities: tuple[str, str]) -> dict[str, Any]:
    found = {"name": intent, "confidence": 0.8}
    return {"intent": found, "intent_ranking": [found], "entities": [{"entity": e, "value": v} for e, v in entities]}


def test_entities_count_by_value_and_a_line_without_them_does_not_count(tmp_path: Path) -> None:
    rows = [
        {
            "text": "a",
            "intent": "inform",
            "entities": [{"entity": "size", "value": "Ｍ"}, {"entity": "size", "value": "L"}],
        },
        {"text": "b", "intent": "inform"},
    ]
    lines = read_lines([_file(tmp_path, *map(json.dumps, rows))], labelled=True)
    scores = judge(lines, [_prediction("inform", ("size", "m"), ("date", "x")), _prediction("deny", ("size", "S"))])
    size = scores.entities["size"]
    assert (size.hits, size.missed, size.spurious) == (1, 1, 0)
    assert scores.entities["date"].spurious == 1
    assert scores.accuracy == 0.5


def test_a_message_that_fell_back_counts_by_its_likeliest_intent(tmp_path: Path) -> None:
    prediction = _prediction("inform")
    prediction["intent"] = {"name": "nlu_fallback", "confidence": 0.7}
    lines = read_lines([_file(tmp_path, '{"text": "a", "intent": "inform"}')], labelled=True)
    scores = judge(lines, [prediction])
    assert (scores.accuracy, scores.fallback_rate) == (1.0, 1.0)
