"""A small engine that learns, for the tests of trainings: the same commands and files as the real one, in milliseconds.

It knows a message by the example that shares the most pairs of letters with it. `train` reads data/nlu like the engine
and writes an archive; `engine.evaluate`, `engine.parse` and `engine.trial` answer from such an archive; `behaviour`
writes a JUnit file. Told by the environment, it is slow (SMALL_ENGINE_SLEEP, seconds a component) or fails.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import time
import uuid
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

COMPONENTS = ("CharacterFeaturizer", "LinearIntentClassifier", "RulePolicy")


def train(arguments: list[str]) -> int:
    """Learn the examples that lie here."""
    out = Path(arguments[arguments.index("--out") + 1])
    examples = {}
    for path in sorted(Path("data/nlu").glob("*.yml")):
        for block in YAML(typ="safe").load(path)["nlu"]:
            for row in block["examples"].splitlines():
                examples[row.removeprefix("- ")] = block["intent"]
    if os.environ.get("SMALL_ENGINE_FAILS"):
        print("InvalidConfigException: an example is broken", flush=True)
        return 1
    for component in COMPONENTS:
        print(f"INFO rasa.engine.training.hooks - Starting to train component '{component}'.", flush=True)
        time.sleep(float(os.environ.get("SMALL_ENGINE_SLEEP", "0")))
        print(f"INFO rasa.engine.training.hooks - Finished training component '{component}'.", flush=True)
    out.mkdir(parents=True)
    files = {"metadata.json": {}, "components/examples.json": examples}
    with tarfile.open(out / f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            data = json.dumps(content, ensure_ascii=False).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return 0


def load(archive: str) -> dict[str, str]:
    """Return the examples of an archive."""
    with tarfile.open(archive) as opened:
        file = opened.extractfile("components/examples.json")
        assert file is not None
        return dict(json.load(file))


def understand(examples: dict[str, str], text: str) -> dict[str, Any]:
    """Return what the nearest example means."""
    likeness: dict[str, float] = {}
    for example, intent in examples.items():
        one, other = _pairs(example), _pairs(text)
        likeness[intent] = max(likeness.get(intent, 0.0), len(one & other) / (len(one | other) or 1))
    ranking = sorted(({"name": name, "confidence": value} for name, value in likeness.items()), key=_sure, reverse=True)
    best = ranking[0] if ranking and ranking[0]["confidence"] > 0.2 else {"name": "nlu_fallback", "confidence": 0.3}
    return {"text": text, "intent": best, "intent_ranking": ranking, "entities": []}


def evaluate(arguments: list[str]) -> int:
    """Write the report on the held-out messages."""
    examples = load(arguments[arguments.index("--model") + 1])
    folder = Path(arguments[arguments.index("--report") + 1])
    messages = []
    for path in sorted(Path("tests/nlu/heldout").glob("*.jsonl")):
        for row in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(row)
            said = understand(examples, line["text"])["intent"]
            more = {"fell_back": False, "missed": [], "spurious": []}
            messages.append({**line, "predicted": said["name"], "confidence": said["confidence"], **more})
    right = sum(each["intent"] == each["predicted"] for each in messages) / len(messages)
    print(f"intent accuracy {right:.3f}", *([] if "--scores" in arguments else messages), sep="\n", flush=True)
    one = {"precision": 1.0, "recall": right, "f1": right, "hits": 1, "spurious": 0, "missed": 0}
    report = {
        "accuracy": right,
        "macro_f1": right,
        "fallback_rate": 0.0,
        "calibration_error": 0.01,
        "intents": {each["intent"]: one for each in messages},
        "entities": {},
        "messages": messages,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")
    return 0


def answer(archive: str) -> int:
    """Answer each line of the standard input."""
    examples = load(archive)
    for row in sys.stdin:
        print(json.dumps(understand(examples, json.loads(row)["text"])), flush=True)
    return 0


def behaviour(arguments: list[str]) -> int:
    """Write the results of one behaviour test: a plain message is understood."""
    right = understand(load(os.environ["MADOGUCHI_NLU_MODEL"]), "注文を取り消してください")["intent"]["name"]
    failure = "" if right == "cancel_order" else f'<failure message="{right}"/>'
    name = "test_it_understands_plain_messages_of_every_intent"
    results = Path(next(each for each in arguments if each.startswith("--junitxml=")).partition("=")[2])
    results.write_text(f'<testsuites><testsuite><testcase name="{name}">{failure}</testcase></testsuite></testsuites>')
    return 1 if failure else 0


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)} or {text}


def _sure(each: dict[str, Any]) -> float:
    return float(each["confidence"])


def main() -> int:
    """Run one command."""
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "train":
        return train(arguments)
    if command == "engine.evaluate":
        return evaluate(arguments)
    if command == "behaviour":
        return behaviour(arguments)
    if command == "engine.trial":
        print(json.dumps({"ready": True}), flush=True)
        return answer(arguments[0])
    return answer(arguments[arguments.index("--model") + 1])


if __name__ == "__main__":
    sys.exit(main())
