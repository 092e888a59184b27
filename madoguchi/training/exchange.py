"""Examples in and out: Rasa's YAML, JSON lines, CSV and Label Studio's tasks, each read and written whole."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from madoguchi.training import files, notation
from madoguchi.training.files import Unreadable
from madoguchi.training.notation import Mark, Said, Unwritable


class WrongFile(ValueError):
    """A file that cannot be read; the message is a sentence with the place."""


@dataclass(frozen=True)
class Labelled:
    """An example on its way in or out."""

    intent: str
    said: Said


def read(content: str, form: str) -> list[Labelled]:
    """Return the examples of a file in one of the FORMS; raises WrongFile."""
    try:
        return list(_READERS[form](content))
    except (Unreadable, Unwritable) as error:
        raise WrongFile(str(error)) from None
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        if isinstance(error, WrongFile):
            raise
        raise WrongFile(f"This is no {form} file of examples: {type(error).__name__} {error}") from None


def write(examples: Iterable[Labelled], form: str) -> str:
    """Return the examples in one of the FORMS."""
    return _WRITERS[form](list(examples))


def _from_rasa(content: str) -> Iterator[Labelled]:
    for entry in files.entries(content):
        yield Labelled(entry.intent, notation.read(entry.written))


def _to_rasa(examples: Sequence[Labelled]) -> str:
    head = '# 例文の書き出し\nversion: "3.1"\nnlu:\n'
    blocks: list[str] = []
    by_intent: dict[str, list[str]] = {}
    for each in examples:
        by_intent.setdefault(each.intent, []).append(notation.write(each.said))
    for intent, written in by_intent.items():
        lines = [f"    - {each}\n" for each in written if notation.fits_a_line(each)]
        listed = [f"  - text: {notation.quoted(each)}\n" for each in written if not notation.fits_a_line(each)]
        if lines:
            blocks.append(f"- intent: {intent}\n  examples: |\n{''.join(lines)}")
        if listed:
            blocks.append(f"- intent: {intent}\n  examples:\n{''.join(listed)}")
    return head + "".join(blocks)


def _from_jsonl(content: str) -> Iterator[Labelled]:
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        row = json.loads(line)
        if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not isinstance(row.get("intent"), str):
            raise WrongFile(f'Line {number}: {{"text", "intent"}} are needed.')
        yield Labelled(row["intent"], Said(row["text"], _marks(row.get("entities") or [], number)))


def _to_jsonl(examples: Sequence[Labelled]) -> str:
    rows = ({"text": e.said.text, "intent": e.intent, "entities": _entities(e.said)} for e in examples)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _from_csv(content: str) -> Iterator[Labelled]:
    for number, row in enumerate(csv.DictReader(io.StringIO(content.removeprefix("\ufeff"), newline="")), start=2):
        if row.get("intent") is None or row.get("text") is None:
            raise WrongFile(f"Line {number}: the columns intent and text are needed.")
        entities = json.loads(row.get("entities") or "[]")
        yield Labelled(_unguarded(row["intent"]), Said(_unguarded(row["text"]), _marks(entities, number)))


def _to_csv(examples: Sequence[Labelled]) -> str:
    told = io.StringIO(newline="")
    sheet = csv.writer(told)
    sheet.writerow(["intent", "text", "entities"])
    for each in examples:
        entities = json.dumps(_entities(each.said), ensure_ascii=False) if each.said.marks else ""
        sheet.writerow([each.intent, _guarded(each.said.text), entities])
    return "\ufeff" + told.getvalue()  # spreadsheets take a file without it for another encoding


def _from_label_studio(content: str) -> Iterator[Labelled]:
    for number, task in enumerate(json.loads(content), start=1):
        text, results = str(task["data"]["text"]), _results(task)
        intents = [each["value"]["choices"][0] for each in results if each["type"] == "choices"]
        if not intents:
            raise WrongFile(f"Task {number}: no intent was chosen.")
        labels = (each["value"] for each in results if each["type"] == "labels")
        found = sorted(
            (Mark(each["start"], each["end"], each["labels"][0]) for each in labels), key=lambda mark: mark.start
        )
        values = {(each["start"], each["end"]): each["value"] for each in task["data"].get("values") or ()}
        marks = (Mark(m.start, m.end, m.entity, values.get((m.start, m.end))) for m in found)
        yield Labelled(intents[0], Said(text, tuple(marks)))


def _results(task: dict[str, Any]) -> list[dict[str, Any]]:
    for annotation in task.get("annotations") or ():
        if not annotation.get("was_cancelled"):
            return list(annotation.get("result") or ())
    return []


def _to_label_studio(examples: Sequence[Labelled]) -> str:
    return json.dumps([_task(each) for each in examples], ensure_ascii=False, indent=1) + "\n"


def _task(example: Labelled) -> dict[str, Any]:
    text = example.said.text
    result: list[dict[str, Any]] = [
        {"from_name": "intent", "to_name": "text", "type": "choices", "value": {"choices": [example.intent]}}
    ]
    for mark in example.said.marks:
        value = {"start": mark.start, "end": mark.end, "text": text[mark.start : mark.end], "labels": [mark.entity]}
        result.append({"from_name": "entity", "to_name": "text", "type": "labels", "value": value})
    told = [{"start": m.start, "end": m.end, "value": m.value} for m in example.said.marks if m.value is not None]
    return {"data": {"text": text, **({"values": told} if told else {})}, "annotations": [{"result": result}]}


def _marks(rows: Any, number: int) -> tuple[Mark, ...]:
    try:
        found = [
            Mark(int(e["start"]), int(e["end"]), str(e["entity"]), e.get("value"), e.get("role"), e.get("group"))
            for e in rows
        ]
    except (KeyError, TypeError):
        raise WrongFile(f"Line {number}: an entity needs start, end and entity.") from None
    return tuple(sorted(found, key=lambda mark: mark.start))


def _entities(said: Said) -> list[dict[str, Any]]:
    told = (
        {"start": m.start, "end": m.end, "entity": m.entity, "value": m.value, "role": m.role, "group": m.group}
        for m in said.marks
    )
    return [{name: value for name, value in each.items() if value is not None} for each in told]


def _guarded(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: a quote before it, and one before a quote of its own."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "'") else text


def _unguarded(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@", "\t", "\r", "'") else text


_READERS: dict[str, Callable[[str], Iterator[Labelled]]] = {
    "rasa": _from_rasa,
    "jsonl": _from_jsonl,
    "csv": _from_csv,
    "label-studio": _from_label_studio,
}
_WRITERS: dict[str, Callable[[Sequence[Labelled]], str]] = {
    "rasa": _to_rasa,
    "jsonl": _to_jsonl,
    "csv": _to_csv,
    "label-studio": _to_label_studio,
}
FORMS = tuple(_READERS)
