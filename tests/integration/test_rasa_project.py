"""What a Rasa user types at the root works there: Rasa itself plays the test stories and tells of mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from tests.conftest import ROOT

RASA = ROOT / "engine" / ".venv" / "bin" / "rasa"
MISTAKEN = {
    "domain.yml": """
version: "3.1"
intents: [greet]
responses:
  utter_hello: [{text: こんにちは}]
  utter_chosen_by_an_action: [{text: どうぞ}]
""",
    "config.yml": """
recipe: default.v1
assistant_id: mistaken
language: ja
pipeline: []
policies: [{name: RulePolicy}]
""",
    "data/nlu.yml": 'version: "3.1"\nnlu: [{intent: greet, examples: "- こんにちは\\n- どうも\\n"}]\n',
    "data/rules.yml": """
version: "3.1"
rules:
- {rule: greet, steps: [{intent: greet}, {action: utter_hello}]}
- {rule: mistaken, steps: [{intent: greet}, {action: utter_never_written}]}
""",
}


def test_every_test_story_is_predicted_as_written(tmp_path: Path) -> None:
    command = [RASA, "test", "core", "--stories", "tests/test_stories.yml", "--out", tmp_path]
    result = subprocess.run(
        [*command, "--fail-on-prediction-errors", "--no-plot"],
        cwd=ROOT,
        env={**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    played = (ROOT / "tests" / "test_stories.yml").read_text(encoding="utf-8").count("- action:")
    told = result.stdout + result.stderr
    correct, total = told.split("Correct:")[-1].splitlines()[0].split("/")
    assert int(correct) == int(total) >= played
    assert "none of the test stories failed" in (tmp_path / "failed_test_stories.yml").read_text().lower()


def test_the_shell_answers_in_japanese_with_the_secrets_that_env_prints() -> None:
    result = subprocess.run(
        ["bash", "-c", f'eval "$({sys.executable} -m madoguchi env)" && exec {RASA} shell'],
        cwd=ROOT,
        env={**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "2"},
        input="ありがとうございます\n/stop\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = result.stdout + result.stderr
    assert result.returncode == 0, told[-2000:]
    wordings = YAML(typ="safe").load(ROOT / "domain.yml")["responses"]["utter_thank"]
    assert any(each["text"] in told for each in wordings), told[-2000:]


def test_a_mistake_in_the_project_is_told_and_replies_that_actions_choose_are_not(tmp_path: Path) -> None:
    for name, content in MISTAKEN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    result = subprocess.run(
        [RASA.with_name("python"), "-m", "engine.quiet", "data", "validate", "--fail-on-warnings"],
        cwd=tmp_path,
        env={**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = result.stdout + result.stderr
    assert result.returncode == 1, told[-2000:]
    assert "utter_never_written" in told
    assert "Project validation completed with errors" in told
    assert "utter_chosen_by_an_action" not in told
    assert "DeprecationWarning" not in told
