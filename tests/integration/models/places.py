"""A place for models of its own: a small project, the small engine, a key; and lessons to be learnt there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from madoguchi.training.workshop import Place

SMALL_ENGINE = str(Path(__file__).with_name("small_engine.py"))
EXAMPLES = {
    "cancel_order": ["注文をキャンセルしたい", "注文を取り消してください", "キャンセルでお願いします"],
    "return_item": ["商品を返品したい", "返品をお願いします", "送り返したいです"],
    "report_defect": ["壊れていました", "電源が入りません", "動きません"],
    "greet": ["こんにちは", "おはようございます"],
}
HELDOUT = [
    ("注文をキャンセルしてください", "cancel_order"),
    ("返品したいです", "return_item"),
    ("届いたら壊れていました", "report_defect"),
    ("こんにちは、お願いします", "greet"),
]
LESSON = "箱がぺしゃんこでした"


def place_in(folder: Path) -> Place:
    """Return a place with a small project, nothing trained yet."""
    root = folder / "project"
    for name in ("data/nlu", "data/rules", "data/stories", "tests/nlu/heldout", "tests/conversations", "engine"):
        (root / name).mkdir(parents=True)
    (root / "config.yml").write_text(
        "pipeline:\n- name: engine.nlu.sparse.CharacterFeaturizer\n"
        "- name: engine.nlu.classifier.LinearIntentClassifier\n"
        "policies:\n- name: RulePolicy\n"
    )
    (root / "domain.yml").write_text("version: '3.1'\n")
    for intent, texts in EXAMPLES.items():
        write_examples(root, intent, texts)
    rows = [json.dumps({"text": text, "intent": intent}, ensure_ascii=False) for text, intent in HELDOUT]
    (root / "tests/nlu/heldout/all.jsonl").write_text("\n".join(rows), encoding="utf-8")
    small = (sys.executable, SMALL_ENGINE)
    return Place(
        root=root,
        models=root / "models",
        var=folder / "var",
        key=b"a key of sixteen bytes or more",
        train_command=(*small, "train"),
        engine_python=small,
        behaviour_command=(*small, "behaviour"),
        heldout=root / "tests/nlu/heldout",
        behind=False,
    )


def write_examples(root: Path, intent: str, texts: list[str]) -> None:
    """Write an intent's file as trainers publish it."""
    rows = "".join(f"    - {text}\n" for text in texts)
    (root / f"data/nlu/{intent}.yml").write_text(
        f'version: "3.1"\nnlu:\n- intent: {intent}\n  examples: |\n{rows}', encoding="utf-8"
    )


def there[T](found: T | None) -> T:
    """Return what must be there."""
    assert found is not None
    return found


def number(asked: object) -> int:
    """Return the job that was given, which must be no refusal."""
    assert isinstance(asked, int)
    return asked
