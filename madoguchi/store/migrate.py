"""Brings a database to the newest schema with Alembic, and writes a new migration when the models changed."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from madoguchi.store import search
from madoguchi.store.base import Base
from madoguchi.store.session import Store


def upgrade(store: Store) -> None:
    """Bring the database to the newest schema; nothing happens where it is there already."""
    with store.engine.begin() as connection:
        command.upgrade(_config(connection), "head")


def write_revision(store: Store, message: str) -> None:
    """Write a migration that takes an up-to-date database to the present models."""
    with store.engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True)


def differences(store: Store) -> list[object]:
    """Return what the models say that the database does not, as Alembic's tuples."""
    with store.engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": search.described})
        return list(compare_metadata(context, Base.metadata))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
