"""The record of lessons in git: one commit of the files that changed, in the trainer's name, where there is git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from madoguchi.services.agents import Person

_TIMEOUT_S = 30


@dataclass(frozen=True)
class Outcome:
    """What git made of it: committed with its revision, absent (no repository), refused; `mixed` with hand work."""

    kind: str  # nothing | absent | committed | refused
    revision: str | None = None
    mixed: bool = False


NOTHING = Outcome("nothing")


def is_dirty(folder: Path, names: Sequence[str]) -> bool:
    """Whether these files hold changes that nobody committed yet."""
    if not names or not _is_repository(folder):
        return False
    told = _git(folder, "status", "--porcelain", "--", *names)
    return any(not line.startswith("??") for line in told.stdout.splitlines())


def commit(folder: Path, names: Sequence[str], person: Person, subject: str, mixed: bool) -> Outcome:
    """Commit these files and nothing else that lies there; without a repository nothing happens."""
    if not _is_repository(folder):
        return Outcome("absent")
    # The name is what colleagues read; an address is asked for by git, and nobody shall write to it.
    who = {"NAME": _plain(person.name), "EMAIL": f"{_plain(person.login)}@desk.invalid"}
    signed = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in who.items()}
    if _git(folder, "add", "--", *names).returncode != 0:
        return Outcome("refused", mixed=mixed)
    made = _git(folder, "commit", "--quiet", "--message", subject, "--", *names, more=signed)
    if made.returncode != 0:
        return Outcome("refused", mixed=mixed)
    return Outcome("committed", _git(folder, "rev-parse", "HEAD").stdout.strip(), mixed)


def _is_repository(folder: Path) -> bool:
    try:
        return _git(folder, "rev-parse", "--is-inside-work-tree").stdout.strip() == "true"
    except FileNotFoundError:
        return False  # git itself is not installed


def _git(folder: Path, *words: str, more: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(folder), *words],
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", **(more or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )


def _plain(text: str) -> str:
    return "".join(char for char in text if char.isprintable() and char not in "<>").strip() or "trainer"
