"""Reads example files with Rasa itself, in the engine's environment, for comparison with our own reading."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

_PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader
found = []
for name in sys.argv[1:]:
    for message in RasaYAMLReader().read(name).training_examples:
        entities = [[e["start"], e["end"], e["entity"], e["value"]] for e in message.get("entities") or []]
        found.append([message.get("intent"), message.get("text"), entities])
print("\\x01" + json.dumps(found))
"""


def read_by_rasa(*paths: Path) -> list[Any]:
    """Return intent, text and entities of each example, as Rasa's own reader has them."""
    environment = {**os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "PLANTED": "expanded!"}
    told = subprocess.run(
        [str(ROOT / "engine/.venv/bin/python"), "-c", _PROGRAM, *map(str, paths)],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
        timeout=300,
    )
    found: list[Any] = json.loads(told.stdout.split("\x01", 1)[1])
    return found
