"""Empty stores of the newest schema on SQLite: migrated once, and copied for each test."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from madoguchi.store import Store
from madoguchi.store.migrate import upgrade


def empty_store(path: Path) -> Store:
    """Return an empty store in this file."""
    shutil.copy(_template(), path)
    return Store(f"sqlite:///{path}")


@functools.cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="madoguchi-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Store(f"sqlite:///{folder}/template.db")
    upgrade(made)
    with made.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    made.close()
    return folder / "template.db"
