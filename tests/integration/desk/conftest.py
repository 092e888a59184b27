"""The desk's services on a fresh store: SQLite always, PostgreSQL too where a test asks for both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from madoguchi.store import Store
from madoguchi.store.migrate import upgrade
from tests.integration.desk.builders import ORDER, Clock, World, desk_on, taken, world_on
from tests.integration.money.money_databases import fresh_store


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty store once; each test copies the file."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    store = Store(f"sqlite:///{path}")
    upgrade(store)
    store.close()
    return path


@pytest.fixture
def world(tmp_path: Path, empty_sqlite: Path) -> Iterator[World]:
    """A filled store on SQLite."""
    shutil.copy(empty_sqlite, tmp_path / "desk.db")
    store, clock = Store(f"sqlite:///{tmp_path}/desk.db"), Clock()
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
