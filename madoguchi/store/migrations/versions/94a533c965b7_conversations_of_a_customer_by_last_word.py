"""A customer's conversations by their last word: all that a search by name asks of them, in one index."""

from alembic import op

revision = "94a533c965b7"
down_revision = "b2c41d07a9e5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.drop_index("ix_conversations_customer_id")
        batch_op.create_index("ix_conversations_customer", ["customer_id", "last_at", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("conversations", schema=None) as batch_op:
        batch_op.drop_index("ix_conversations_customer")
        batch_op.create_index("ix_conversations_customer_id", ["customer_id"], unique=False)
