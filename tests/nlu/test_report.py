"""What an evaluation says of a run: what changed since the accepted one, the curve of the fallback, wrong files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bench.measured import own_pipeline
from bench.threshold import Answer, babble, curve
from engine import evaluate
from engine.curve import drawn, read_curve
from engine.evaluate import accept, as_json, changes, told
from engine.scores import Judged, Scores, intent_scores
from tests.nlu.conftest import ROOT


def _scores(**predicted: str) -> Scores:
    messages = tuple(Judged(text, "thank", name, 0.9, False) for text, name in predicted.items())
    return Scores(messages, intent_scores(messages), {})


def test_a_run_is_compared_with_the_accepted_one_message_by_message(tmp_path: Path) -> None:
    path = tmp_path / "evaluation" / "accepted.json"
    accept(_scores(どうも="thank", おおきに="greet", さんきゅ="thank"), path)
    now = _scores(どうも="thank", おおきに="thank", さんきゅ="deny", 感謝="thank")
    rows = told(changes(as_json(now), json.loads(path.read_text(encoding="utf-8"))))
    assert rows == [
        "since the accepted report: 1 better, 1 worse, 1 new",
        "  better: 「おおきに」 greet → thank",
        "  worse: 「さんきゅ」 thank → deny",
    ]


@pytest.mark.parametrize("alone", [True, False])
def test_scores_alone_show_no_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], alone: bool
) -> None:
    said = {"name": "deny", "confidence": 0.9}
    predicted = {"intent": said, "intent_ranking": [said], "entities": [], "milliseconds": 5.0}
    (tmp_path / "all.jsonl").write_text('{"text": "さんきゅ", "intent": "thank"}\n', encoding="utf-8")
    accept(_scores(さんきゅ="thank"), tmp_path / "accepted.json")
    monkeypatch.setattr(evaluate, "HELDOUT", tmp_path)
    monkeypatch.setattr(evaluate, "predict", lambda lines, model: [predicted for _ in lines])
    monkeypatch.setattr(evaluate, "nearest_examples", lambda texts: {})
    asked = ["--heldout", "--accepted", str(tmp_path / "accepted.json"), "--report", str(tmp_path / "report")]
    assert evaluate.main([*asked, "--scores"] if alone else asked) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("intent accuracy 0.000\n")
    assert "since the accepted report: 0 better, 1 worse, 0 new\n" in printed
    assert ("さんきゅ" in printed) is not alone
    assert "さんきゅ" in (tmp_path / "report/report.json").read_text(encoding="utf-8")


def test_without_an_accepted_run_nothing_is_compared() -> None:
    assert told(changes(as_json(_scores(どうも="thank")), None)) == []


def test_the_curve_counts_who_is_asked_again_and_what_babble_is_answered() -> None:
    answers = [
        Answer("a", "thank", "thank", 0.9),
        Answer("b", "thank", "greet", 0.5),
        Answer("c", "greet", "greet", 0.2),
        Answer("d", "greet", "deny", 0.1),
        Answer("あばば", None, "deny", 0.4),
        Answer("もげら", None, "deny", 0.05),
    ]
    content = curve(answers, 3, 3)
    points = {each["threshold"]: each for each in content["points"]}
    assert content["accuracy"] == 0.5
    assert points[0.0] == {
        "threshold": 0.0,
        "asked_again": 0.0,
        "asked_again_though_right": 0.0,
        "wrong_among_answered": 0.5,
        "babble_answered": 1.0,
    }
    assert (points[0.3]["asked_again"], points[0.3]["asked_again_though_right"]) == (0.5, 0.25)
    assert (points[0.3]["wrong_among_answered"], points[0.3]["babble_answered"]) == (0.5, 0.5)


def test_out_of_scope_is_no_wish_that_babble_is_taken_for() -> None:
    said = [Answer("a", "thank", "thank", 0.9), Answer("あばば", None, "out_of_scope", 0.9)]
    assert {each["babble_answered"] for each in curve(said, 3, 3)["points"]} == {0.0}


def test_the_threshold_in_service_asks_few_again_whom_it_had_understood() -> None:
    measured = read_curve()
    assert measured is not None
    assert measured["messages"] >= 3000
    (threshold,) = [part["threshold"] for part in own_pipeline() if part["name"] == "FallbackClassifier"]
    (point,) = [each for each in measured["points"] if each["threshold"] == threshold]
    assert point["asked_again_though_right"] <= 0.01
    assert point["babble_answered"] <= 0.05


def test_the_curve_is_drawn_with_its_three_lines() -> None:
    content = curve([Answer("a", "thank", "thank", 0.9), Answer("あばば", None, "deny", 0.4)], 3, 1)
    assert drawn(content).count("<polyline") == 3
    assert "3 分割のうち 1 回" in drawn(content)


def test_babble_is_the_same_for_the_same_seed() -> None:
    import random

    assert babble(random.Random(1), 5) == babble(random.Random(1), 5) != babble(random.Random(2), 5)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"text": "はい", "intent": "affirm"}\n{"text": "はい"\n', "line 2: not a JSON object."),
        ('{"text": 3, "intent": "affirm"}\n', 'line 1: "text" must be a string.'),
        ('{"text": "はい"}\n', 'line 1: "intent" must name the intent.'),
        ('{"text": "はい", "intent": "affirm", "day": "きのう"}\n', 'line 1: "day" must be a date'),
        ('{"text": "はい", "intent": "affirm", "entities": [{"entity": "date"}]}\n', 'line 1: "entities" must be'),
        ("", "holds no message."),
    ],
)
def test_a_file_that_cannot_be_scored_gets_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(content, encoding="utf-8")
    command = ["engine/.venv/bin/python", "-W", "ignore", "-m", "engine.evaluate", str(file)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert last.startswith(str(file))
    assert sentence in last
