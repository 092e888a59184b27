"""A running desk whose engine learns: the small engine answers customers, and trains, examines and changes models."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from madoguchi.training import jobs, registry
from madoguchi.training.workshop import Place
from tests.integration.desk.builders import Clock, world_on
from tests.integration.models import small_engine
from tests.integration.models.places import place_in, there
from tests.web.conftest import Site, running
from tests.web.desk.conftest import DeskSite

ANSWERS = {
    "report_defect": "壊れた商品をお届けして申し訳ございません。",
    "cancel_order": "ご注文の取り消しを承ります。",
    "return_item": "ご返品を承ります。",
    "greet": "こんにちは。",
    "nlu_fallback": "もう少し詳しく教えていただけますか。",
}


@dataclass
class LearningSite(DeskSite):
    """A desk with a place for models."""

    place: Place

    def train(self, note: str = "") -> str:
        """Train a model as the trainer's program does, without the page."""
        asked = jobs.ask(self.world.desk, self.world.person("mori"), "train", note=note)
        assert isinstance(asked, int)
        assert jobs.run_next(self.world.desk, self.place)
        return there(there(jobs.find(self.world.desk, asked)).model)

    @contextmanager
    def trainers_program(self) -> Iterator[None]:
        """Run the trainer's program for the length of a block."""
        stop = threading.Event()
        thread = threading.Thread(target=self._work, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(30)

    def _work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            if not jobs.run_next(self.world.desk, self.place, stop):
                stop.wait(0.2)


@pytest.fixture
def learning_site(tmp_path: Path, blank_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LearningSite]:
    """Run one web program over a small project with a first model in service; mori is a trainer, kato an admin."""
    place = place_in(tmp_path)
    monkeypatch.setenv("MADOGUCHI_EXAMPLES", str(place.root / "data" / "nlu"))
    with running(tmp_path, blank_store, demo=True) as site:
        clock = Clock(site.clock())
        object.__setattr__(site.desk, "clock", clock)
        found = LearningSite(site, world_on(site.desk, clock), place)
        found.train("最初のモデル")
        site.engine.loaded = there(registry.for_start(site.desk, place))
        site.engine.answer = _answering(site, place)
        site.engine.guess = lambda text: _guess(site, place, text)
        site.app.state.models_place = place
        yield found


def _understand(site: Site, place: Place, text: str) -> dict[str, Any]:
    return small_engine.understand(small_engine.load(str(place.model(site.engine.loaded))), text)


def _answering(site: Site, place: Place) -> Any:
    async def answer(asked: dict[str, Any]) -> dict[str, Any]:
        intent = _understand(site, place, asked.get("text", ""))["intent"]
        return {"replies": [{"text": ANSWERS[intent["name"]]}], "intent": intent}

    return answer


def _guess(site: Site, place: Place, text: str) -> list[tuple[str, float]]:
    found = _understand(site, place, text)["intent_ranking"]
    return [(each["name"], each["confidence"]) for each in found[:2]]
