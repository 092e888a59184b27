"""What a Rasa user types at the root works there: the test stories are played by Rasa's own command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.conftest import ROOT

RASA = ROOT / "engine" / ".venv" / "bin" / "rasa"


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
