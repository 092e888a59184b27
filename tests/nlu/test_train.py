"""The engine's own training against Rasa's: the same model, from examples read once and copied never."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = """
recipe: default.v1
language: ja
pipeline:
  - name: engine.nlu.ginza.GinzaNLP
    model: ja_ginza
  - name: engine.nlu.normalizer.JapaneseNormalizer
  - name: engine.nlu.tokenizer.GinzaTokenizer
  - name: engine.nlu.dense.GinzaVectorFeaturizer
  - name: engine.nlu.sparse.CharacterFeaturizer
  - name: engine.nlu.classifier.LinearIntentClassifier
policies:
  - name: RulePolicy
"""
DOMAIN = """
version: "3.1"
intents: [greet, cancel]
responses:
  utter_greet: [{text: "こんにちは。"}]
"""
RULES = """
version: "3.1"
rules:
- rule: greeting
  steps:
  - intent: greet
  - action: utter_greet
"""
# Two files of examples, one text of which stands twice.
GREETINGS = """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - こんにちは
    - おはようございます
    - もしもし
    - こんばんは
    - こんにちは
"""
CANCELLATIONS = """
version: "3.1"
nlu:
- intent: cancel
  examples: |
    - 取り消してください
    - 注文をやめたいです
    - キャンセルで
    - 買うのをやめます
"""
# Runs in the engine's environment, which has Rasa but no pytest; prints what is to be compared.
PLAY = """
import hashlib, json, sys, tarfile
import rasa.model_training
import rasa.shared.nlu.training_data.loading as loading
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from engine import train

read, asked = loading.load_data, []

def counted(path, language):
    asked.append(path)
    return read(path, language)

loading.load_data = counted

def trained(name):
    made = rasa.model_training.train("domain.yml", "config.yml", "data", output="out", fixed_model_name=name,
        force_training=True)
    with tarfile.open(made.model) as archive:
        return {each.name: hashlib.sha256(archive.extractfile(each).read()).hexdigest()
            for each in archive if each.isfile() and "train_" in each.name}

def merged():
    one = TrainingData([Message.build("a", " greet "), Message.build("b", "cancel")], {"x": "y"})
    two = TrainingData([Message.build("a", "greet")], {"z": "y"}, [{"name": "n", "pattern": "p"}])
    both = one.merge(two, None)
    return [[m.as_dict() for m in both.training_examples], both.entity_synonyms, both.regex_features, both.responses]

seen = {"theirs": trained("theirs"), "their_merge": merged(), "kept": str(type(train.local_model_storage.TarSafe))}
train.apply()
del asked[:]
TrainingDataImporter.load_from_config("config.yml", "domain.yml", ["data"]).get_nlu_data()  # as the validation does
seen.update(ours=trained("ours"), our_merge=merged(), read=len(asked), files=len(set(asked)))
print("SEEN" + json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the play saw."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "data").mkdir()
    texts = {"config.yml": CONFIG, "domain.yml": DOMAIN, "data/rules.yml": RULES}
    for name, text in (texts | {"data/greet.yml": GREETINGS, "data/cancel.yml": CANCELLATIONS}).items():
        (folder / name).write_text(text, encoding="utf-8")
    command = [ROOT / "engine/.venv/bin/python", "-c", PLAY]
    more = {"PYTHONPATH": str(ROOT), "RASA_TELEMETRY_ENABLED": "false", "PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env=more)
    return dict(json.loads(done.stdout.partition("SEEN")[2]))


def test_the_model_is_the_one_that_rasas_own_training_makes(seen: dict[str, object]) -> None:
    assert any("LinearIntentClassifier" in name for name in seen["theirs"])  # type: ignore[attr-defined]
    assert seen["ours"] == seen["theirs"]


def test_merged_data_are_what_rasa_makes_of_them(seen: dict[str, object]) -> None:
    assert seen["our_merge"] == seen["their_merge"]


def test_every_file_is_read_once_however_often_it_is_asked_for(seen: dict[str, object]) -> None:
    assert seen["read"] == seen["files"] == 2
