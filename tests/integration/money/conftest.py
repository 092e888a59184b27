"""Fixtures of the proofs of money: stores on both databases, and a shop over each."""

from __future__ import annotations

import pytest
from money_databases import sqlite_store, store  # noqa: F401
from money_shop import Shop

from madoguchi.store import Store


@pytest.fixture
def shop(store: Store) -> Shop:  # noqa: F811
    """A small shop, on each of the two databases."""
    return Shop(store)
