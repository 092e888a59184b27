"""The migrations lead to what the models say, on both databases."""

from __future__ import annotations

from madoguchi.store import Store
from madoguchi.store.migrate import differences


def test_the_newest_schema_is_what_the_models_say(store: Store) -> None:
    assert differences(store) == []


def test_a_difference_is_seen(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_conversations_customer")
    (missing,) = differences(store)
    assert "add_index" in str(missing)
    assert "ix_conversations_customer" in str(missing)
