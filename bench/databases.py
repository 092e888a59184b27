"""The databases that figures are measured on: a SQLite file, or one in a PostgreSQL server started for it."""

from pathlib import Path

from sqlalchemy import create_engine, text


def address(database: str, folder: Path, name: str) -> str:
    """Return the address of a database of this name, `sqlite` in the folder or `postgresql`; it is made if need be.

    Raises NoServer where no PostgreSQL can be had.
    """
    if database == "sqlite":
        return f"sqlite:///{folder}/{name}.db"
    from tests.integration.money.money_databases import postgres_url

    server = postgres_url().replace("postgresql:", "postgresql+psycopg:")
    admin = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        if not connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}):
            connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return f"{server}/{name}"
