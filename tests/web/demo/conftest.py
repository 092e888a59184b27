"""Tests of the window and the shop's pages over the demo's own data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.conftest import Site, running


@pytest.fixture
def shop(tmp_path: Path, filled: Path) -> Iterator[Site]:
    """Run one web program over the demo's store for one test."""
    with running(tmp_path, filled, demo=True) as site:
        yield site
