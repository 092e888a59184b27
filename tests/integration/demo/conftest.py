"""A filled demo shop for tests that only look, and empty stores."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from madoguchi.demo import fill_once
from madoguchi.store import Store
from madoguchi.store.migrate import upgrade

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def empty_store(folder: Path) -> Store:
    """Return a store with the newest schema and nothing in it."""
    store = Store(f"sqlite:///{folder}/shop.db")
    upgrade(store)
    return store


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A filled shop, for tests that only look."""
    store = empty_store(tmp_path_factory.mktemp("shop"))
    assert fill_once(store, now=NOW)
    return store


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    return empty_store(tmp_path)
