"""The words for models and trainings, and the filters by which the templates say them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ruamel.yaml import YAML
from starlette.requests import Request
from starlette.responses import HTMLResponse

from madoguchi.training.gate import Objected, Objection
from madoguchi.web.desk.rendering import word
from madoguchi.web.sentences import TEMPLATES
from madoguchi.web.trainers.rendering import show as show_in_room


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Return the words by section."""
    return dict(YAML(typ="safe").load(TEMPLATES / "trainers" / "model_words.yml"))


def say(code: Any, section: str) -> str:
    """Return the word for a code; the code itself where there is none."""
    return "" if code is None else str(words()[section].get(str(code), code))


def objection(said: Objected) -> str:
    """Return one of the gate's objections as a sentence."""
    section = "tests" if said.what == Objection.BEHAVIOUR else ""
    subject = say(said.subject, section) if section else word(said.subject, "intents")
    return words()["objections"][said.what].format(subject=subject, before=share(said.before), now=share(said.now))


def refusal(code: str) -> str:
    """Return why something was not done."""
    known = words()
    if code in known["refusals"]:
        return known["refusals"][code]
    if code in known["file_faults"]:
        return f"このモデルは使えません：{known['file_faults'][code]}。"
    return known["refusals"]["engine" if code.startswith("engine_") else "unknown"]


def share(value: float | None) -> str:
    """Return 97.3% for 0.973."""
    return "" if value is None else f"{value * 100:.1f}%"


def bare(name: str | None) -> str:
    """Return a model's name without the file's ending."""
    return (name or "").removesuffix(".tar.gz")


async def show(
    request: Request, template: str, values: Mapping[str, Any] | None = None, *, status: int = 200
) -> HTMLResponse:
    """Render a page of this part of the room, its words at hand."""
    tools = {"model_word": say, "objection": objection, "share": share, "bare": bare}
    return await show_in_room(request, template, {**tools, **(values or {})}, status=status)
