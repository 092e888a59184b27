"""The desk's services on a fresh store: SQLite always, PostgreSQL too where a test asks for both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.desk.builders import ORDER, Clock, World, desk_on, taken, world_on
from tests.integration.money.money_databases import fresh_store
from tests.stores import empty_store


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A filled store on SQLite."""
    store, clock = empty_store(tmp_path / "desk.db"), Clock()
    yield world_on(desk_on(store, clock), clock)
    store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A filled store on each of the two databases."""
    if request.param == "sqlite":
        yield request.getfixturevalue("world")
        return
    store, clock = fresh_store("postgresql", tmp_path), Clock()
    yield world_on(desk_on(store, clock), clock)
    store.close()


@pytest.fixture
def talk(world: World) -> str:
    """A conversation that Sato has taken over."""
    return taken(world, ORDER, "壊れていました")
