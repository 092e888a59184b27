"""Alembic's entry: runs the migrations on the connection that `migrate.py` hands over."""

from alembic import context

from madoguchi.store import Base, search

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    user_module_prefix="base.",
    include_object=search.described,
)
with context.begin_transaction():
    context.run_migrations()
