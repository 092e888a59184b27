"""The components as Rasa makes, keeps and loads them: the same data gives the same model, no data none."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# Runs in the engine's environment, which has Rasa but no pytest; prints what is to be compared.
LEARN = """
import contextlib, hashlib, json, sys
from pathlib import Path
from types import SimpleNamespace
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from engine.nlu.component import LearningComponent
from engine.nlu.ginza import load_ginza
from engine.nlu.normalizer import JapaneseNormalizer
from engine.nlu.product import ProductExtractor
from engine.nlu.refund_method import RefundMethodExtractor
from engine.nlu.tokenizer import GinzaTokenizer

NODE, GINZA = SimpleNamespace(node_name="test"), load_ginza("ja_ginza")

def keeper(name):
    folder = Path(sys.argv[1]) / name
    folder.mkdir()
    return SimpleNamespace(write_to=lambda _: contextlib.nullcontext(folder),
                           read_from=lambda _: contextlib.nullcontext(folder), folder=folder)

def example(text, *products):
    spans = [{"entity": "product", "start": text.index(each), "end": text.index(each) + len(each), "value": each}
             for each in products]
    return Message.build(text, "return_item", entities=spans)

def read(messages):
    JapaneseNormalizer.create({}, None, None, NODE).process(messages)
    return GinzaTokenizer.create({}, None, None, NODE).process(messages, GINZA)

def entities(component, text, *more):
    (message,) = component.process(read([Message.build(text)]), *more)
    return message.get("entities")

pairs = [("帽子", "靴"), ("時計", "鞄"), ("皿", "箸"), ("毛布", "枕"), ("机", "椅子"), ("靴", "傘")] * 5
annotated = read([example(f"{a}と{b}を返品したいです", a, b) for a, b in pairs])
plain = read([example("カードで払いました返品したいです")] * 3)
seen = {}
with_some, with_none, ways = keeper("some"), keeper("none"), keeper("ways")
some = ProductExtractor.create({}, with_some, None, NODE)
some.train(TrainingData(annotated), GINZA)
files = sorted(with_some.folder.iterdir())
seen["files"] = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in files}
loaded = ProductExtractor.load({}, with_some, None, NODE)
text = "帽子と枕を返品したいです"
seen["by_the_trained"] = [each["value"] for each in entities(some, text, GINZA)]
seen["by_the_loaded"] = [each["value"] for each in entities(loaded, text, GINZA)]
ProductExtractor.create({}, with_none, None, NODE).train(TrainingData(plain), GINZA)
RefundMethodExtractor.create({}, ways, None, NODE).train(TrainingData(plain))
seen["kept_of_nothing"] = [each.name for folder in (with_none, ways) for each in folder.folder.iterdir()]
seen["found_by_none"] = [
    *entities(ProductExtractor.load({}, with_none, None, NODE), text, GINZA),
    *(entities(RefundMethodExtractor.load({}, ways, None, NODE), "カードに返金してください") or []),
]

before = ProductExtractor.fingerprint_addon({})
ProductExtractor.sources += (contextlib,)
seen["stale"] = ProductExtractor.fingerprint_addon({}) != before
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Learn twice, in processes that order their sets in different ways."""
    return [_learned(tmp_path_factory.mktemp("learned"), seed) for seed in ("1", "2")]


def _learned(folder: Path, seed: str) -> dict[str, Any]:
    python = ROOT / "engine/.venv/bin/python"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONWARNINGS": "ignore"}
    ran = subprocess.run(
        [python, "-c", LEARN, folder], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_the_same_data_gives_the_same_model(learned: list[dict[str, Any]]) -> None:
    one, other = learned
    assert set(one["files"]) == {"tagger.crfsuite", "names.json", "clusters.npz"}
    assert one["files"] == other["files"]


def test_a_loaded_component_finds_what_the_trained_one_does(learned: list[dict[str, Any]]) -> None:
    assert learned[0]["by_the_trained"] == learned[0]["by_the_loaded"] == ["帽子", "枕"]


def test_where_nothing_is_annotated_nothing_is_kept_and_nothing_found(learned: list[dict[str, Any]]) -> None:
    assert (learned[0]["kept_of_nothing"], learned[0]["found_by_none"]) == ([], [])


def test_another_source_makes_a_model_stale(learned: list[dict[str, Any]]) -> None:
    assert learned[0]["stale"]
