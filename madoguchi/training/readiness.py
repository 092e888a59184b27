"""What must exist before a new intent can go live: the domain knows it, a rule answers it, the answer exists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FEWEST = 10
"""With fewer examples an intent cannot be told from its neighbours."""


@dataclass(frozen=True)
class Need:
    """One line of the check-list."""

    code: str  # domain | rule | reply | examples
    met: bool
    told: str = ""  # what was found, or what to write


def needs(folder: Path, intent: str, examples: int) -> tuple[Need, ...]:
    """Return the check-list of an intent; `folder` is the one of the examples, in the Rasa project."""
    root = folder.parent.parent
    domain = _load(root / "domain.yml")
    intents = {next(iter(each)) if isinstance(each, dict) else each for each in domain.get("intents") or ()}
    actions = _actions(root / "data" / "rules", intent)
    known = {*(domain.get("actions") or ()), *(domain.get("responses") or {}), *(domain.get("forms") or {})}
    missing = sorted(each for each in actions if each not in known and not each.startswith("action_listen"))
    return (
        Need("domain", intent in intents, f"- {intent}"),
        Need("rule", bool(actions), f"- rule: {intent}\n  steps: [{{intent: {intent}}}, {{action: utter_{intent}}}]"),
        Need("reply", bool(actions) and not missing, "、".join(missing) or f"utter_{intent}"),
        Need("examples", examples >= FEWEST, f"{examples} / {FEWEST}"),
    )


def lacking(folder: Path, intent: str, examples: int) -> tuple[Need, ...]:
    """Return what is still missing."""
    return tuple(need for need in needs(folder, intent, examples) if not need.met)


def _actions(folder: Path, intent: str) -> set[str]:
    found: set[str] = set()
    for path in sorted(folder.rglob("*.yml")):
        for rule in _load(path).get("rules") or ():
            steps = [step for step in rule.get("steps") or () if isinstance(step, dict)]
            if any(step.get("intent") == intent for step in steps):
                found.update(str(step["action"]) for step in steps if "action" in step)
    return found


def _load(path: Path) -> dict[str, Any]:
    stat = path.stat()
    return _loaded(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _loaded(path: Path, _changed: int, _size: int) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(path.read_text(encoding="utf-8")) or {})
