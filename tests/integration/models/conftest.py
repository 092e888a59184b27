"""A desk with a place for models, for the tests of trainings and promotions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from madoguchi.services.agents import Person
from madoguchi.services.desk import Desk
from madoguchi.store import Store
from tests.stores import empty_store
from madoguchi.training import jobs, registry
from madoguchi.training.workshop import Place
from tests.integration.desk.builders import Clock, World, desk_on, world_on
from tests.integration.models.places import place_in


@dataclass
class Workshop:
    """The desk, the place and the people of a test."""

    world: World
    place: Place

    @property
    def desk(self) -> Desk:
        """The desk."""
        return self.world.desk

    def person(self, login: str) -> Person:
        """Return a member of the staff."""
        return self.world.person(login)

    def train(self, note: str = "") -> str:
        """Ask for a training, carry it out, and return the model's name."""
        asked = jobs.ask(self.desk, self.person("mori"), "train", note=note)
        assert isinstance(asked, int)
        assert jobs.run_next(self.desk, self.place)
        job = jobs.find(self.desk, asked)
        assert job is not None
        assert (job.state, job.fault) == ("done", None), job.log
        assert job.model is not None
        return job.model

    def first(self) -> str:
        """Train a first model and put it into service, as the first start does."""
        self.train()
        name = registry.for_start(self.desk, self.place)
        assert name is not None
        return name


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """A filled desk on SQLite with a small project and the small engine."""
    store, clock = empty_store(tmp_path / "desk.db"), Clock()
    yield Workshop(world_on(desk_on(store, clock), clock), place_in(tmp_path))
    store.close()
