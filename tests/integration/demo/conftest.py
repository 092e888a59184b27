"""A filled demo shop for tests that only look, and empty stores."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from madoguchi.demo import fill_once
from madoguchi.store import Store
from tests.stores import empty_store

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A filled shop, for tests that only look."""
    store = empty_store(tmp_path_factory.mktemp("shop") / "shop.db")
    assert fill_once(store, now=NOW)
    return store


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    """A store with nothing in it."""
    return empty_store(tmp_path / "shop.db")
