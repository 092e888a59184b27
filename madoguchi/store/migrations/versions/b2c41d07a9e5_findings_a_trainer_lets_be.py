"""Findings of the examples' health that a trainer lets be."""

import sqlalchemy as sa
from alembic import op

from madoguchi.store import base

revision = 'b2c41d07a9e5'
down_revision = '4fd1fa1cb893'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('findings_aside',
    sa.Column('finding', sa.String(length=16), nullable=False),
    sa.Column('batch', sa.String(length=36), nullable=False),
    sa.ForeignKeyConstraint(['batch'], ['training_decisions.batch'], name=op.f('fk_findings_aside_batch_training_decisions')),
    sa.PrimaryKeyConstraint('finding', name=op.f('pk_findings_aside'))
    )
    with op.batch_alter_table('findings_aside', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_findings_aside_batch'), ['batch'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('findings_aside', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_findings_aside_batch'))

    op.drop_table('findings_aside')
