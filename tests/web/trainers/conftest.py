"""The trainers' room on a running web program: a small Rasa project in a git repository, two trainers, an engine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from madoguchi.services.agents import Person, Role
from madoguchi.store import Message, Staff
from madoguchi.training.corpus import Shelf
from tests.conftest import ROOT
from tests.integration.desk.builders import NOON, Clock, World, conversation, world_on
from tests.web.conftest import Site, eventually, running
from tests.web.desk.conftest import DeskSite

INTENTS = ("cancel_order", "report_defect", "report_not_delivered", "return_item", "thank", "withdraw_request")
KEPT = 60


@dataclass
class RoomSite(DeskSite):
    """A desk with trainers, and the project whose examples they change."""

    project: Path

    @property
    def shelf(self) -> Shelf:
        """The examples as they lie in the files."""
        return Shelf(self.project / "data" / "nlu")

    def git(self, *words: str) -> str:
        """Return what git says in the project."""
        told = subprocess.run(["git", "-C", str(self.project), *words], capture_output=True, text=True, check=True)
        return told.stdout

    def hear(self, *texts: str, intent: str | None = "report_defect", confidence: float = 0.3) -> None:
        """Let customers write, and wait until the room has taken their messages in and looked at them."""
        for text in texts:
            name = conversation(self.world, text, owner="bot")
            with self.world.desk.store.writing() as session:
                for message in session.query(Message).filter_by(conversation_id=name):
                    message.state, message.intent, message.confidence = "answered", intent, confidence

    def heard(self, *words: str) -> None:
        """Wait until the room shows these words."""
        client = self.browser("mori")
        eventually(lambda: all(each in client.get("/desk/train").text for each in words), within_s=20)


def small_project(folder: Path) -> Path:
    """Make a Rasa project of six intents in a git repository."""
    (folder / "data" / "nlu").mkdir(parents=True)
    for intent in INTENTS:
        lines = (ROOT / "data" / "nlu" / f"{intent}.yml").read_text().split("\n")
        (folder / "data" / "nlu" / f"{intent}.yml").write_text("\n".join(lines[: KEPT + 7]) + "\n")
    shutil.copytree(ROOT / "data" / "rules", folder / "data" / "rules")
    shutil.copy(ROOT / "domain.yml", folder)
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "start"]):
        named = ["-c", "user.name=start", "-c", "user.email=start@desk.invalid"]
        subprocess.run(["git", *named, "-C", str(folder), *words], check=True)
    return folder


@pytest.fixture
def room_site(tmp_path: Path, blank_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RoomSite]:
    """Run one web program over a small project; trainers are mori and hara."""
    project = small_project(tmp_path / "project")
    monkeypatch.setenv("MADOGUCHI_EXAMPLES", str(project / "data" / "nlu"))
    with running(tmp_path, blank_store, demo=False) as site:
        clock = Clock(site.clock())
        object.__setattr__(site.desk, "clock", clock)
        world = world_on(site.desk, clock)
        world.people["hara"] = _trainer(world)
        yield RoomSite(site, world, project)


def _trainer(world: World) -> Person:
    with world.desk.store.writing() as session:
        staff = Staff(login="hara", name="原", role="trainer", password_hash="x", must_change=False, created_at=NOON)
        session.add(staff)
        session.flush()
        return Person(staff.id, "hara", "原", Role.TRAINER)


__all__ = ["RoomSite", "Site", "room_site", "small_project"]
