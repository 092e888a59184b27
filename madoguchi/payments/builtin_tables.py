"""The tables of the built-in processor: its own metadata, unknown to the shop's migrations."""

from __future__ import annotations

from typing import Literal, get_args

from sqlalchemy import BigInteger, CheckConstraint, Column, Float, Integer, MetaData, String, Table

type Misbehaviour = Literal["refuse", "unavailable", "lost_reply", "delay", "twice"]
MISBEHAVIOURS: tuple[str, ...] = get_args(Misbehaviour.__value__)
"""Refuse for good; be away; lose the reply after doing the work; answer late; report the settlement twice."""

tables = MetaData()

charges = Table(
    "processor_charges",
    tables,
    Column("reference", String(80), primary_key=True),
    Column("captured", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    CheckConstraint("refunded >= 0 AND refunded <= captured", name="ck_processor_charges_never_over_refunded"),
)

calls = Table(
    "processor_calls",
    tables,
    Column("key", String(200), primary_key=True),
    Column("kind", String(8), nullable=False),  # refund | charge | transfer
    Column("subject", String(80), nullable=False, index=True),  # the charge, the source of a new one, or an account
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("reference", String(80)),  # set where it was accepted
    Column("code", String(40)),  # set where it was refused
    Column("at", Float, nullable=False),  # Unix seconds
)

notices = Table(
    "processor_notices",
    tables,
    Column("id", String(220), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("key", String(200), nullable=False, index=True),
    Column("reference", String(80), nullable=False),
    Column("due_at", Float, nullable=False),  # Unix seconds
    Column("copies", Integer, nullable=False),  # how often it is still to be delivered
)

behaviours = Table(
    "processor_behaviours",
    tables,
    Column("id", Integer, primary_key=True),
    Column("target", String(200), nullable=False, index=True),  # a key, a charge or source, "*", or find:<any of them>
    Column("how", String(12), nullable=False),
    Column("times", Integer),  # how often it still holds; NULL for always
    Column("seconds", Float, nullable=False),
)
