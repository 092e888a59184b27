"""Score the model: `python -m engine.evaluate FILE.jsonl | --heldout [--model MODEL] [--report FOLDER]`.

Each line of the file is {"text", "intent", "day"?, "entities"?: [{"entity", "value", "surface"?}]}. No
server has to run. With --report the scores are also written as JSON and as one page, which compares them
message by message with the last accepted report where there is one.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from engine.examples import comparable, read_examples
from engine.lines import WrongLine, read_lines
from engine.parse import predict
from engine.report import page
from engine.scores import Judged, Scores, calibration_error, judge

HELDOUT = Path("tests/nlu/heldout")
ACCEPTED = Path("docs/evaluation/accepted.json")
_WORTH_A_LINE = 0.90
Neighbours = Mapping[str, Sequence[Mapping[str, Any]]]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command and return its exit code."""
    options = _options(arguments)
    files = sorted(HELDOUT.glob("*.jsonl")) if options.heldout else [options.file]
    try:
        lines = read_lines(files, labelled=True)
        predictions = predict(lines, options.model)
    except WrongLine as error:
        print(error, file=sys.stderr)
        return 1
    scores = judge(lines, predictions)
    nearest = nearest_examples([each.text for each in scores.messages if not each.right])
    milliseconds = [each["milliseconds"] for each in predictions]
    accepted = _accepted(options.accepted) if options.heldout else None
    since = changes(as_json(scores), accepted)
    rows = summary(scores, milliseconds)
    rows += told(since)[:1] if options.scores else [*wrong(scores, nearest), *told(since)]
    print("\n".join(rows))
    if options.report:
        write_report(options.report, scores, nearest, accepted)
        print(f"report: {options.report / 'report.html'}")
    if options.accept:
        accept(scores)
        print(f"accepted: {ACCEPTED}")
    return 0


def _options(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="engine.evaluate", description="Score the model on labelled messages.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", type=Path, help="lines of JSON")
    what.add_argument("--heldout", action="store_true", help=f"all of {HELDOUT}")
    parser.add_argument("--model", type=Path, help="the model; default: the newest in models/")
    parser.add_argument("--scores", action="store_true", help="print the scores alone, none of the messages")
    parser.add_argument("--report", type=Path, help="a folder for report.json and report.html")
    parser.add_argument("--accept", action="store_true", help=f"keep this run as {ACCEPTED}, to compare with later")
    parser.add_argument("--accepted", type=Path, default=ACCEPTED, help="an earlier report.json to compare with")
    return parser.parse_args(arguments)


def summary(scores: Scores, milliseconds: Sequence[float]) -> List[str]:
    """Return the scores, one a row."""
    rows = [
        f"intent accuracy {scores.accuracy:.3f}",
        f"intent macro-F1 {scores.macro_f1:.3f}",
        f"messages {len(scores.messages)}",
        f"fallback rate {scores.fallback_rate:.3f}",
        f"calibration error {calibration_error(scores.messages):.3f}",
        f"milliseconds a message p50 {_quantile(milliseconds, 0.5):.1f} p95 {_quantile(milliseconds, 0.95):.1f}",
    ]
    for name, score in scores.entities.items():
        rows.append(f"entity {name} F1 {score.f1:.3f} precision {score.precision:.3f} recall {score.recall:.3f}")
    for name, score in scores.intents.items():
        if score.f1 < _WORTH_A_LINE:
            rows.append(f"intent {name} F1 {score.f1:.3f} precision {score.precision:.3f} recall {score.recall:.3f}")
    return rows


def wrong(scores: Scores, nearest: Neighbours) -> List[str]:
    """Return what was read wrong, with the examples next to it."""
    return [row for each in scores.messages for row in _wrong(each, nearest)]


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def _wrong(message: Judged, nearest: Neighbours) -> List[str]:
    rows = []
    if not message.right:
        rows.append(f"✗ 「{message.text}」 {message.intent}, not {message.predicted} ({message.confidence:.2f})")
        rows.extend(f"    near: 「{near['text']}」 {near['intent']}" for near in nearest.get(message.text, ()))
    if message.missed or message.spurious:
        rows.append(f"✗ 「{message.text}」 missed {list(message.missed)}, spurious {list(message.spurious)}")
    return rows


def nearest_examples(texts: Sequence[str], count: int = 3) -> Dict[str, List[Dict[str, Any]]]:
    """Return the training examples whose letters are the most like each text's."""
    examples = read_examples()
    if not texts or not examples:
        return {}
    # Imported here: a run in which all is right does without.
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    known = vectorizer.fit_transform([each.key for each in examples])
    likeness = (vectorizer.transform([comparable(text) for text in texts]) @ known.T).toarray()
    found = {}
    for text, row in zip(texts, likeness, strict=True):
        best = [examples[i] for i in (-row).argsort()[:count] if row[i] > 0]
        found[text] = [{"text": each.text, "intent": each.intent} for each in best]
    return found


def write_report(folder: Path, scores: Scores, nearest: Neighbours, accepted: Optional[Dict[str, Any]]) -> None:
    """Write report.json and report.html into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    content = as_json(scores)
    (folder / "report.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "report.html").write_text(page(scores, nearest, changes(content, accepted)), encoding="utf-8")


def accept(scores: Scores, path: Path = ACCEPTED) -> None:
    """Keep the scores as those that later ones are compared with."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json(scores), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def as_json(scores: Scores) -> Dict[str, Any]:
    """Return the scores and every message as the report keeps them."""
    return {
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        "fallback_rate": scores.fallback_rate,
        "calibration_error": calibration_error(scores.messages),
        "intents": {name: score.as_json() for name, score in scores.intents.items()},
        "entities": {name: score.as_json() for name, score in scores.entities.items()},
        "messages": [
            {
                "text": each.text,
                "intent": each.intent,
                "predicted": each.predicted,
                "confidence": round(each.confidence, 4),
                "fell_back": each.fell_back,
                "missed": list(each.missed),
                "spurious": list(each.spurious),
            }
            for each in scores.messages
        ],
    }


def changes(now: Mapping[str, Any], before: Optional[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    """Return what got better and what got worse since an earlier report, message by message."""
    if before is None:
        return None
    then = {each["text"]: each for each in before["messages"]}
    pairs = [(then[each["text"]], each) for each in now["messages"] if each["text"] in then]
    return {
        "accuracy": (before["accuracy"], now["accuracy"]),
        "macro_f1": (before["macro_f1"], now["macro_f1"]),
        "better": [(old, new) for old, new in pairs if _is_right(new) and not _is_right(old)],
        "worse": [(old, new) for old, new in pairs if _is_right(old) and not _is_right(new)],
        "new": len(now["messages"]) - len(pairs),
    }


def told(since: Optional[Mapping[str, Any]]) -> List[str]:
    """Return what the command prints of the differences from the accepted report: how many, then each."""
    if since is None:
        return []
    counts = f"{len(since['better'])} better, {len(since['worse'])} worse, {since['new']} new"
    changed = [(way, old, new) for way in ("better", "worse") for old, new in since[way]]
    return [f"since the accepted report: {counts}"] + [
        f"  {way}: 「{new['text']}」 {_taken_for(old)} → {_taken_for(new)}" for way, old, new in changed
    ]


def _taken_for(message: Mapping[str, Any]) -> str:
    faults = [f"{sign}{each}" for key, sign in (("missed", "-"), ("spurious", "+")) for each in message[key]]
    return " ".join([str(message["predicted"]), *faults])


def _is_right(message: Mapping[str, Any]) -> bool:
    return message["intent"] == message["predicted"] and not message["missed"] and not message["spurious"]


def _accepted(path: Path) -> Optional[Dict[str, Any]]:
    """Read the accepted report; there is none before the first one was accepted."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
