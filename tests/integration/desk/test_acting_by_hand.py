"""What only people do: the seller's word, guarantees, money held back, parcels entered by hand."""

from __future__ import annotations

from sqlalchemy import select

from madoguchi.policy.facts import LineQuantity
from madoguchi.policy.vocabulary import InspectionResult, SellerAnswer
from madoguchi.services import acting
from madoguchi.services.acting import Performed
from madoguchi.services.planning import Act, Missing, NoPlan
from madoguchi.store import GuaranteeClaim, Inquiry, LedgerEntry, Order, Refund
from tests.integration.desk.acts import done, line_of, refunded, shown
from tests.integration.desk.builders import OLD_ORDER, ORDER, SELLER_ORDER, World, inquiry, planned_refund, taken


class TestSellers:
    def test_a_contradiction_is_settled_by_the_sellers_word(self, world: World) -> None:
        talk = taken(world, SELLER_ORDER)
        inquiry(world, talk, SELLER_ORDER)
        with world.desk.store.writing() as session:
            order = session.get_one(Order, SELLER_ORDER)
            order.frozen_at, order.state = world.clock(), "cancel_requested"
        planned_refund(world, SELLER_ORDER, 9_800)
        act = Act("seller_answer", SELLER_ORDER, answer=SellerAnswer.CANCELED, text="在庫がありません")
        plan = shown(world, talk, act)
        assert {"unfreeze_order", "cancel_lines", "release_refund"} <= {step.code for step in plan.steps}
        assert isinstance(done(world, talk, act), Performed)
        with world.desk.store.reading() as session:
            order = session.get_one(Order, SELLER_ORDER)
            assert (order.state, order.frozen_at) == ("canceled", None)
            assert session.scalars(select(Inquiry.state)).one() == "answered"
            assert session.scalars(select(Refund.state)).one() in ("pending", "sent", "settled")

    def test_the_guarantee_is_granted_once_and_blocks_the_sellers_refund(self, world: World) -> None:
        talk = taken(world, SELLER_ORDER)
        inquiry(world, talk, SELLER_ORDER)
        act = Act("grant_guarantee", SELLER_ORDER, reason="出品者と連絡が取れない")
        assert shown(world, talk, act).amount == 9_800
        assert isinstance(done(world, talk, act), Performed)
        with world.desk.store.reading() as session:
            assert session.scalars(select(GuaranteeClaim.amount)).one() == 9_800
            assert session.get_one(Order, SELLER_ORDER).seller_refund_blocked
            paid = session.scalars(select(LedgerEntry).where(LedgerEntry.reason == "guarantee")).one()
            assert paid.amount == 9_800
        assert acting.preview(world.desk, world.person("sato"), talk, act) == NoPlan("guarantee_paid")

    def test_asking_the_seller_sets_a_clock(self, world: World) -> None:
        talk = taken(world, SELLER_ORDER)
        assert isinstance(done(world, talk, Act("ask_seller", SELLER_ORDER)), Performed)
        with world.desk.store.reading() as session:
            asked = session.scalars(select(Inquiry)).one()
            assert (asked.deadline - asked.asked_at).total_seconds() == 48 * 3600

    def test_the_shops_own_order_has_no_seller(self, world: World, talk: str) -> None:
        for kind in ("ask_seller", "grant_guarantee"):
            assert acting.preview(world.desk, world.person("sato"), talk, Act(kind, ORDER)) == NoPlan("no_seller")


class TestMoneyHeldBack:
    def test_frozen_money_moves_after_the_thaw_only(self, world: World, talk: str) -> None:
        assert isinstance(done(world, talk, Act("freeze", ORDER), key="f"), Performed)
        act = Act("refund", ORDER, amount=100, reason="お詫び")
        assert acting.preview(world.desk, world.person("sato"), talk, act) == NoPlan("frozen")
        assert isinstance(done(world, talk, Act("unfreeze", ORDER, reason="確認できた"), key="u"), Performed)
        assert isinstance(done(world, talk, act, key="r"), Performed)

    def test_a_planned_refund_is_sent_or_dropped(self, world: World, talk: str) -> None:
        first, second = planned_refund(world, ORDER, 500), planned_refund(world, OLD_ORDER, 700)
        done(world, talk, Act("release_refund", ORDER, reason="倉庫に確認済み"), key="a")
        done(world, talk, Act("void_refund", OLD_ORDER, reason="お客様のご希望"), key="b")
        with world.desk.store.reading() as session:
            assert session.get_one(Refund, first).state in ("pending", "sent", "settled")
            assert session.get_one(Refund, second).state == "voided"


class TestParcels:
    def test_a_parcel_entered_by_hand_is_refunded_as_if_it_was_scanned(self, world: World, talk: str) -> None:
        act = Act("defect", ORDER, lines=(LineQuantity(line_of(world, ORDER), 1),))
        outcome = done(world, talk, act)
        assert isinstance(outcome, Performed)
        scanned = Act("parcel_scanned", ORDER, rma=outcome.result["rma"])
        assert shown(world, talk, scanned).amount == 9_800
        assert isinstance(done(world, talk, scanned, key="s"), Performed)
        assert refunded(world, ORDER) == 9_800
        used = Act("inspected", ORDER, rma=outcome.result["rma"], result=InspectionResult.USED)
        assert isinstance(done(world, talk, used, key="i"), Performed)
        assert refunded(world, ORDER) == 9_800

    def test_a_return_of_another_order_is_not_found(self, world: World, talk: str) -> None:
        act = Act("defect", ORDER, lines=(LineQuantity(line_of(world, ORDER), 1),))
        outcome = done(world, talk, act)
        assert isinstance(outcome, Performed)
        elsewhere = Act("parcel_scanned", OLD_ORDER, rma=outcome.result["rma"])
        assert acting.preview(world.desk, world.person("sato"), talk, elsewhere) == Missing("rma")
