"""Files of messages, one JSON object a line: read with clear words about a wrong one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple


class WrongLine(ValueError):
    """A file that cannot be read; its text is one sentence for the person who gave it."""


@dataclass(frozen=True)
class GoldEntity:
    """An entity that a message holds, its value normalised, its surface as the customer typed it."""

    entity: str
    value: Optional[str]
    surface: Optional[str]


@dataclass(frozen=True)
class Line:
    """A message and, where the line has them, its day, its intent and its entities."""

    text: str
    intent: Optional[str] = None
    day: Optional[str] = None
    entities: Optional[Tuple[GoldEntity, ...]] = None
    purchases: Tuple[str, ...] = ()


def read_lines(paths: Sequence[Path], labelled: bool) -> List[Line]:
    """Read every line of the files; raises WrongLine, also where `labelled` lines lack their intent."""
    lines = [line for path in paths for line in _read(path, labelled)]
    if not lines:
        raise WrongLine(f"{', '.join(map(str, paths)) or 'No file'} holds no message.")
    return lines


def _read(path: Path, labelled: bool) -> List[Line]:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WrongLine(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise WrongLine(f"{path} is not UTF-8.") from None
    # Not splitlines(): a message may hold U+2028 and its kin, which end no line of JSON.
    rows = enumerate(content.split("\n"), start=1)
    return [parse_line(row, f"{path}, line {number}", labelled) for number, row in rows if row.strip()]


def parse_line(row: str, where: str, labelled: bool) -> Line:
    """Read one line; raises WrongLine that begins with `where`."""
    try:
        content = json.loads(row)
    except (ValueError, RecursionError):
        raise WrongLine(f"{where}: not a JSON object.") from None
    if not isinstance(content, dict):
        raise WrongLine(f"{where}: not a JSON object.")
    text, intent, day = content.get("text"), content.get("intent"), content.get("day")
    if not isinstance(text, str):
        raise WrongLine(f'{where}: "text" must be a string.')
    if labelled and not (isinstance(intent, str) and intent):
        raise WrongLine(f'{where}: "intent" must name the intent.')
    if day is not None and not _is_day(day):
        raise WrongLine(f'{where}: "day" must be a date such as "2026-03-05".')
    entities = content.get("entities")
    return Line(text, intent, day, None if entities is None else _entities(entities, where), _purchases(content, where))


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _entities(content: Any, where: str) -> Tuple[GoldEntity, ...]:
    if not isinstance(content, list) or not all(_is_entity(each) for each in content):
        raise WrongLine(f'{where}: "entities" must be a list of {{"entity", "value" or "surface"}}.')
    return tuple(GoldEntity(each["entity"], _text(each, "value"), _text(each, "surface")) for each in content)


def _is_entity(content: Any) -> bool:
    has_name = isinstance(content, dict) and isinstance(content.get("entity"), str)
    return has_name and any(content.get(key) is not None for key in ("value", "surface"))


def _text(content: Dict[str, Any], key: str) -> Optional[str]:
    value = content.get(key)
    return None if value is None else str(value)


def _purchases(content: Dict[str, Any], where: str) -> Tuple[str, ...]:
    purchases = content.get("purchases") or []
    if not isinstance(purchases, list) or not all(isinstance(each, str) for each in purchases):
        raise WrongLine(f'{where}: "purchases" must be a list of titles.')
    return tuple(purchases)
