"""Alembic's entry: runs the migrations on the connection that `migrate.py` hands over."""

from alembic import context

from madoguchi.store import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    user_module_prefix="base.",
)
with context.begin_transaction():
    context.run_migrations()
