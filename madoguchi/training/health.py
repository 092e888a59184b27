"""The health of the examples: what rules see at once, what a model sees in the background, and when to stop.

The engine's check (`python -m engine.health`) takes a minute and is kept with the digest of what it read. A finding
names examples by their short names; one that is gone meanwhile drops out by itself. What has changed since the last
accepted check tells poison from what was always so: many new labels that no model believes, or a word that suddenly
stands in many examples of one intent.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from madoguchi.training.corpus import Corpus, Example

ENGINE = Path("engine/.venv/bin/python")
THIN = 50
SWOLLEN = 3.0
UNBELIEVED, BELIEVED = 0.05, 0.7
"""A label is unbelieved where the model gives it less than the first and another intent more than the second."""
MOST_UNBELIEVED = 0.006  # of all examples; the shop's own lie at half of it
NEW_UNBELIEVED, NEW_UNBELIEVED_SHARE = 8, 0.001
NEW_WORD, NEW_WORD_SHARE = 10, 0.03
FEWEST_PAIRED = 5
PAIRS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "cancel_order": (
        "withdraw_request",
        ("キャンセル", "取り消"),
        ("キャンセルしたくないです", "キャンセルするのはやめます", "取り消さないでください"),
    ),
    "return_item": (
        "withdraw_request",
        ("返品", "返却"),
        ("返品したくないです", "返品するのはやめます", "返品しないことにしました"),
    ),
    "exchange_item": (
        "withdraw_request",
        ("交換", "取り替え"),
        ("交換しなくていいです", "交換するのはやめます", "交換はしないでください"),
    ),
    "cancel_membership": (
        "withdraw_request",
        ("解約", "退会"),
        ("解約したくないです", "退会するのはやめます", "解約しないでください"),
    ),
    "request_callback": ("deny", ("電話",), ("電話はしないでください", "電話はいりません", "電話しなくていいです")),
}
"""For a wish: the intent of its denial, the words it is told by, and denials to begin with."""
_NEGATED = ("ない", "ません", "なくて", "やめ", "不要", "いらな", "いりま")


class CheckFailed(Exception):
    """The engine's check ended without a result; the message says how."""


@dataclass(frozen=True)
class Finding:
    """One thing to look at: the examples it is about, and what would mend it."""

    sign: str  # twin | near | conflict | label | thin | swollen | giveaway | unpaired
    examples: tuple[Example, ...] = ()
    intent: str | None = None  # where to move to, or what it is about
    told: str = ""
    figure: float | None = None
    texts: tuple[str, ...] = ()  # to add, with a click


@dataclass(frozen=True)
class Stop:
    """Why nothing should be trained on these examples before somebody has looked."""

    code: str  # conflict | labels | word
    count: int
    told: str = ""


def at_once(corpus: Corpus) -> Iterator[Finding]:
    """Yield what rules see: conflicts and twins, thin and swollen intents, missing negated pairs."""
    for found in corpus.by_key.values():
        if len({each.intent for each in found}) > 1:
            yield Finding("conflict", tuple(found))
        elif len(found) > 1:
            yield Finding("twin", tuple(found))
    sizes = {name: len(each) for name, each in corpus.by_intent.items()}
    middle = median(sizes.values()) if sizes else 0
    for name, size in sorted(sizes.items(), key=lambda each: each[1]):
        if size < THIN:
            yield Finding("thin", intent=name, figure=size)
        elif size > SWOLLEN * middle and len(sizes) > 2:
            yield Finding("swollen", intent=name, figure=size)
    yield from _unpaired(corpus)


def by_model(corpus: Corpus, report: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what the engine's check saw, as far as it still stands."""
    known = corpus.by_id
    for row in report.get("labels", ()):
        example = known.get(row["id"])
        if example is not None and row["likely"] != example.intent:
            yield Finding("label", (example,), intent=row["likely"], figure=row["given"])
    for row in report.get("near", ()):
        one, other = known.get(row["one"]), known.get(row["other"])
        if one is not None and other is not None and one.key != other.key:
            yield Finding("near", (one, other), figure=row["likeness"])
    for row in report.get("giveaways", ()):
        if row["intent"] in corpus.by_intent:
            yield Finding("giveaway", intent=row["intent"], told=row["word"], figure=row["count"])


def stops(corpus: Corpus, report: Mapping[str, Any], accepted: Mapping[str, Any] | None) -> tuple[Stop, ...]:
    """Return what stops a training: conflicts always, and what looks like poison since the accepted check."""
    found: list[Stop] = []
    conflicts = sum(len({each.intent for each in same}) > 1 for same in corpus.by_key.values())
    if conflicts:
        found.append(Stop("conflict", conflicts))
    unbelieved = _unbelieved(report)
    new = unbelieved - _unbelieved(accepted or {})
    size = max(len(corpus.examples), 1)
    several = accepted is not None and len(new) >= max(NEW_UNBELIEVED, NEW_UNBELIEVED_SHARE * size)
    if several or len(unbelieved) > MOST_UNBELIEVED * size:
        found.append(Stop("labels", len(new) if accepted else len(unbelieved)))
    return (*found, *_risen(report, accepted))


def run(
    corpus: Corpus, folder: Path, progress: Callable[[float], None] = lambda _share: None, engine: Path = ENGINE
) -> dict[str, Any]:
    """Have the engine check the examples, keep what it found and return it. Raises CheckFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    given = folder / f"health.{os.getpid()}.jsonl"
    rows = ({"id": each.id, "intent": each.intent, "text": each.text} for each in corpus.examples)
    given.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    try:
        report = _checked(given, progress, engine)
    finally:
        given.unlink(missing_ok=True)
    report["digest"] = digest(corpus)
    _write(folder / "health.json", report)
    return report


def kept(folder: Path) -> dict[str, Any] | None:
    """Return what the last check found."""
    return _load(folder / "health.json")


def accepted(folder: Path) -> dict[str, Any] | None:
    """Return the check that later ones are compared with."""
    return _load(folder / "health-accepted.json")


def accept(folder: Path) -> bool:
    """Take the last check for what is normal from now on."""
    report = kept(folder)
    if report is None:
        return False
    _write(folder / "health-accepted.json", report)
    return True


def digest(corpus: Corpus) -> str:
    """Return what tells one state of the examples from another."""
    whole = hashlib.sha256()
    for each in corpus.examples:
        whole.update(f"{each.intent}\n{each.written}\0".encode())
    return whole.hexdigest()


def _unpaired(corpus: Corpus) -> Iterator[Finding]:
    for intent, (contrary, topics, texts) in PAIRS.items():
        if intent not in corpus.by_intent:
            continue
        denied = sum(
            any(topic in each.text for topic in topics) and any(word in each.text for word in _NEGATED)
            for each in corpus.by_intent.get(contrary, ())
        )
        missing = tuple(text for text in texts if not corpus.twins(text))
        if denied < FEWEST_PAIRED and missing:
            yield Finding("unpaired", intent=contrary, told=intent, figure=denied, texts=missing)


def _unbelieved(report: Mapping[str, Any]) -> set[str]:
    rows = report.get("labels", ())
    return {row["id"] for row in rows if row["given"] < UNBELIEVED and row["other"] > BELIEVED}


def _risen(report: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterator[Stop]:
    """Yield words that stand in many more examples of one intent than at the accepted check."""
    if before is None:
        return
    for intent, words in report.get("words", {}).items():
        then, size = before["words"].get(intent, {}), max(report["sizes"].get(intent, 1), 1)
        if intent not in before["sizes"]:
            continue  # of a new intent every word is new
        for word, count in words.items():
            grown = count - then.get(word, 0)
            if grown >= NEW_WORD and grown / size >= NEW_WORD_SHARE:
                yield Stop("word", grown, f"{word}（{intent}）")


def _checked(given: Path, progress: Callable[[float], None], engine: Path) -> dict[str, Any]:
    command = ["nice", "-n", "10", str(engine), "-m", "engine.health", str(given.resolve())]
    # The answer goes into a file: a pipe that nobody reads while the progress is awaited would hold the check up.
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as answer,
        subprocess.Popen(command, stdout=answer, stderr=subprocess.PIPE, text=True) as running,
    ):
        assert running.stderr is not None
        for line in running.stderr:
            if _is_share(line):
                progress(float(line))
        if running.wait() != 0:
            raise CheckFailed(f"the engine's check ended with {running.returncode}")
        answer.seek(0)
        found: dict[str, Any] = json.loads(answer.read())
        return found


def _is_share(line: str) -> bool:
    bare = line.strip()
    return len(bare) == 4 and bare.replace(".", "", 1).isdigit()


def _load(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(path: Path, report: Mapping[str, Any]) -> None:
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")
    new.replace(path)


def by_sign(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Return the findings of each kind."""
    found: dict[str, list[Finding]] = {}
    for each in findings:
        found.setdefault(each.sign, []).append(each)
    return found
