"""What the tests of the understanding share: every message of the tables, understood once by the newest model."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.threshold import babble
from engine.lines import Line, read_lines
from tests.nlu.variants import Variant, variants

ROOT = Path(__file__).parents[2]
TABLES = Path(__file__).parent / "behaviour"
HELDOUT = Path(__file__).parent / "heldout"
Prediction = Mapping[str, Any]
BABBLE = [
    "あばばばば",
    "ｄｋｆｊｇｈ",
    "ｐｐｐｐｐ",
    "んんんんにゃもげら",
    "qwertyuiop",
    "アカサタナハマ",
    "いろはにほへとちりぬるを",
    "kldfsjg klsdfj",
    "ぽよぽよぽよ",
    "ふがふがほげほげ",
    "zzzzzz",
    "仝",
    "龘龘龘",
    "宇宙戦艦",
    "שלום",
    "ขอคืนเงิน",
    "₪₪₪",
]
LETTERS = babble(random.Random(2026), 200)
"""Lines of letters drawn blindly; hardly any means something."""

_AROUND = ("{} これの取り消しおねがい", "{}キャンセルで", "注文番号は{}。届いたけど動かない", "{}はいつ返金されますか")
_DRAWN = random.Random(250)
NUMBERED = [
    [around.format(f"250-{_DRAWN.randrange(10**7):07}-{_DRAWN.randrange(10**7):07}") for _ in range(12)]
    for around in _AROUND
]
"""The same said of twelve orders each."""


def table(name: str) -> list[dict[str, Any]]:
    """Return the rows of a behaviour table."""
    return [json.loads(row) for row in (TABLES / f"{name}.jsonl").read_text(encoding="utf-8").split("\n") if row]


def all_variants() -> list[Variant]:
    """Return the written variants and those made of the functionality table."""
    written = [Variant(row["kind"], row["intent"], row["base"], row["variant"]) for row in table("invariance")]
    return written + [each for row in table("functionality") for each in variants(row["text"], row["intent"])]


def heldout_lines() -> list[Line]:
    """Return the held-out messages with their labels."""
    return read_lines(sorted(HELDOUT.glob("*.jsonl")), labelled=True)


@dataclass(frozen=True)
class Understood:
    """What the model made of every message of the tables."""

    predictions: Mapping[tuple[str, str | None], Prediction]

    def of(self, text: str, day: str | None = None) -> Prediction:
        """Return the prediction of a message."""
        return self.predictions[text, day]

    def intent(self, text: str) -> str | None:
        """Return the likeliest intent of a message, whether or not the desk would ask again."""
        found = self.of(text)
        names = [each["name"] for each in [found["intent"], *(found["intent_ranking"] or [])]]
        return next((name for name in names if name not in (None, "nlu_fallback")), None)


@pytest.fixture(scope="session")
def understood(tmp_path_factory: pytest.TempPathFactory) -> Understood:
    """Understand all messages in one run of the engine, by the model in MADOGUCHI_NLU_MODEL or the newest."""
    wanted = {
        (row["text"], None) for name in ("functionality", "direction", "naughty", "ways_back") for row in table(name)
    }
    wanted |= {(text, None) for each in all_variants() for text in (each.base, each.text)}
    wanted |= {(text, None) for text in sum(NUMBERED, BABBLE + LETTERS)}
    wanted |= {(line.text, line.day) for line in heldout_lines()}
    keys = sorted(wanted, key=repr)
    folder = tmp_path_factory.mktemp("understood")
    rows = "".join(json.dumps({"text": text} | ({"day": day} if day else {})) + "\n" for text, day in keys)
    (folder / "in.jsonl").write_text(rows, encoding="utf-8")
    command = ["engine/.venv/bin/python", "-m", "engine.parse", str(folder / "in.jsonl")]
    if os.environ.get("MADOGUCHI_NLU_MODEL"):
        command += ["--model", os.environ["MADOGUCHI_NLU_MODEL"]]
    run = subprocess.run(
        [*command, "--output", str(folder / "out.jsonl")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    predictions = [json.loads(row) for row in (folder / "out.jsonl").read_text(encoding="utf-8").split("\n") if row]
    return Understood(dict(zip(keys, predictions, strict=True)))
