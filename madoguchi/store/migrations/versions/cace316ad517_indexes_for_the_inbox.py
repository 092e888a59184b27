"""Indexes for the inbox's filters on a million conversations."""

import sqlalchemy as sa
from alembic import op

from madoguchi.store import base

revision = 'cace316ad517'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('cases', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_cases_flagged'))
        batch_op.create_index('ix_cases_flagged', ['conversation_id', 'state'], unique=False, sqlite_where=sa.text('flagged = 1'), postgresql_where=sa.text('flagged'))

    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_conversations_flagged'))
        batch_op.create_index('ix_conversations_flagged', ['flagged', 'owner', 'last_at', 'id'], unique=False)
        batch_op.drop_index(batch_op.f('ix_conversations_owner_last'))
        batch_op.create_index('ix_conversations_owner_last', ['owner', 'last_at', 'id'], unique=False)
        batch_op.drop_index(batch_op.f('ix_conversations_owner_promised'))
        batch_op.create_index('ix_conversations_owner_promised', ['owner', 'promised_at', 'id'], unique=False)
        batch_op.create_index('ix_conversations_reason', ['owner', 'handoff_reason', 'last_at', 'id'], unique=False)

    with op.batch_alter_table('inquiries', schema=None) as batch_op:
        batch_op.create_index('ix_inquiries_open', ['case_id'], unique=False, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_messages_conversation_id'))
        batch_op.create_index('ix_messages_conversation_id', ['conversation_id', 'id'], unique=False)
        batch_op.create_index('ix_messages_intent', ['intent', 'conversation_id'], unique=False)

    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.create_index('ix_orders_frozen', ['number'], unique=False, sqlite_where=sa.text('frozen_at IS NOT NULL'), postgresql_where=sa.text('frozen_at IS NOT NULL'))
        batch_op.create_index('ix_orders_state', ['state', 'number'], unique=False)

    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.create_index('ix_payments_captured', ['captured', 'order_number'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('cases', schema=None) as batch_op:
        batch_op.drop_index('ix_cases_flagged', sqlite_where=sa.text('flagged = 1'), postgresql_where=sa.text('flagged'))
        batch_op.create_index(batch_op.f('ix_cases_flagged'), ['flagged', 'state'], unique=False)

    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.drop_index('ix_payments_captured')

    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.drop_index('ix_orders_state')
        batch_op.drop_index('ix_orders_frozen', sqlite_where=sa.text('frozen_at IS NOT NULL'), postgresql_where=sa.text('frozen_at IS NOT NULL'))

    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.drop_index('ix_messages_intent')
        batch_op.drop_index('ix_messages_conversation_id')
        batch_op.create_index(batch_op.f('ix_messages_conversation_id'), ['conversation_id'], unique=False)

    with op.batch_alter_table('inquiries', schema=None) as batch_op:
        batch_op.drop_index('ix_inquiries_open', sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.drop_index('ix_conversations_reason')
        batch_op.drop_index('ix_conversations_owner_promised')
        batch_op.create_index(batch_op.f('ix_conversations_owner_promised'), ['owner', 'promised_at'], unique=False)
        batch_op.drop_index('ix_conversations_owner_last')
        batch_op.create_index(batch_op.f('ix_conversations_owner_last'), ['owner', 'last_at'], unique=False)
        batch_op.drop_index('ix_conversations_flagged')
        batch_op.create_index(batch_op.f('ix_conversations_flagged'), ['flagged', 'owner'], unique=False)

