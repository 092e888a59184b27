"""What a Rasa user types at the root works there: Rasa itself plays the test stories and tells of mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
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
    files = ["--stories", "tests/test_stories.yml", "--out", tmp_path]
    result = _run([RASA, "test", "core", *files, "--fail-on-prediction-errors", "--no-plot"])
    assert result.returncode == 0, result.stderr[-2000:]
    played = (ROOT / "tests" / "test_stories.yml").read_text(encoding="utf-8").count("- action:")
    told = result.stdout + result.stderr
    correct, total = told.split("Correct:")[-1].splitlines()[0].split("/")
    assert int(correct) == int(total) >= played
    assert "none of the test stories failed" in (tmp_path / "failed_test_stories.yml").read_text().lower()


def test_the_shell_answers_in_japanese_with_the_secrets_that_env_prints() -> None:
    command = ["bash", "-c", f'eval "$({sys.executable} -m madoguchi env)" && exec {RASA} shell']
    result = _run(command, said="ありがとうございます\n/stop\n")
    told = result.stdout + result.stderr
    assert result.returncode == 0, told[-2000:]
    wordings = YAML(typ="safe").load(ROOT / "domain.yml")["responses"]["utter_thank"]
    assert any(each["text"] in told for each in wordings), told[-2000:]


def test_a_mistake_in_the_project_is_told_and_replies_that_actions_choose_are_not(tmp_path: Path) -> None:
    for name, content in MISTAKEN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    command = [RASA.with_name("python"), "-m", "engine.quiet", "data", "validate", "--fail-on-warnings"]
    result = _run(command, folder=tmp_path)
    told = result.stdout + result.stderr
    assert result.returncode == 1, told[-2000:]
    assert "utter_never_written" in told
    assert "Project validation completed with errors" in told
    assert "utter_chosen_by_an_action" not in told
    assert "DeprecationWarning" not in told


def _run(command: Sequence[str | Path], folder: Path = ROOT, said: str = "") -> subprocess.CompletedProcess[str]:
    quiet = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **quiet},
        input=said,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
