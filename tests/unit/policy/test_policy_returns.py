"""Rules 4 to 8: what arrived and goes back."""

from dataclasses import replace
from datetime import UTC

import pytest
from policy_builders import NOW, TOKYO, ask, card, days, delivered, effect, kinds, line, plan_of, shipped

from madoguchi.policy.decisions import Approved, Declined, NeedsAgent, NeedsFact
from madoguchi.policy.effects import AuthorizeReturn, OfferReorder, Refund
from madoguchi.policy.facts import LineFacts, LineQuantity, ShipmentFacts
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.vocabulary import (
    AgentReason,
    Condition,
    DeclineReason,
    Fact,
    LineKind,
    Offer,
    Payer,
    RefundTiming,
)

FAULTS = [RequestKind.DEFECT, RequestKind.WRONG_ITEM, RequestKind.MISSING_PART]
LAMP = (LineQuantity("lamp", 1),)
SHIRT = line("shirt", 4_000, "clothing")


class TestRule4Fault:
    """delivered up to 30 days ago, defect, damage, wrong article, missing part: shop pays, full refund at the scan."""

    @pytest.mark.parametrize("kind", FAULTS)
    def test_the_shop_pays_and_the_outbound_postage_comes_back(self, kind: RequestKind) -> None:
        decision = ask(kind, delivered(shipping_fee=500))
        plan = plan_of(decision)
        assert (plan.refund_amount, plan.timing, plan.shop_pays_return) == (5_500, RefundTiming.ON_SCAN, True)
        assert effect(plan, OfferReorder) == OfferReorder(LAMP, Offer.REORDER_SAME)
        assert not plan.moves_money
        assert decision.receipt.number == 4

    @pytest.mark.parametrize("kind", FAULTS)
    def test_day_30_is_in_time(self, kind: RequestKind) -> None:
        assert isinstance(ask(kind, delivered(ago=30)), Approved)

    @pytest.mark.parametrize("kind", FAULTS)
    def test_day_31_is_not(self, kind: RequestKind) -> None:
        assert not isinstance(ask(kind, delivered(ago=31)), Approved)

    def test_days_are_those_of_the_calendar_not_of_24_hours(self) -> None:
        late_on_day_30 = NOW.replace(hour=23, minute=59)
        early_on_day_0 = (NOW - days(30)).replace(hour=0, minute=1)
        arrived = replace(delivered(), delivered_at=early_on_day_0)
        assert isinstance(ask(RequestKind.WRONG_SIZE, arrived, now=late_on_day_30), Approved)
        just_after = (NOW + days(1)).replace(hour=0, minute=0)
        assert isinstance(ask(RequestKind.WRONG_SIZE, arrived, now=just_after), Declined)

    def test_the_day_is_the_shops_whatever_zone_the_instant_is_in(self) -> None:
        # 15:30 UTC is already the next day in Japan.
        arrived = replace(delivered(), delivered_at=NOW.replace(day=1, hour=0, minute=30, tzinfo=TOKYO))
        last = NOW.replace(month=7, day=1, hour=14, minute=59, tzinfo=UTC)
        assert isinstance(ask(RequestKind.WRONG_SIZE, arrived, now=last), Approved)
        assert isinstance(ask(RequestKind.WRONG_SIZE, arrived, now=last.replace(hour=15)), Declined)

    def test_the_postage_comes_back_in_proportion_to_the_lines(self) -> None:
        two = delivered(line("lamp", 3_000), line("desk", 7_000), shipping_fee=1_000)
        plan = plan_of(ask(RequestKind.DEFECT, two, lines=LAMP))
        assert effect(plan, AuthorizeReturn).shipping == 300

    def test_postage_that_came_back_before_does_not_come_back_again(self) -> None:
        two = delivered(line("lamp", 5_000), line("desk", 5_000), shipping_fee=1_000, shipping_refunded=700)
        plan = plan_of(ask(RequestKind.DEFECT, two, lines=LAMP))
        assert effect(plan, AuthorizeReturn).shipping == 300

    def test_a_customer_who_says_it_arrived_is_believed(self) -> None:
        assert ask(RequestKind.DEFECT, shipped()).receipt.number == 4

    def test_a_defect_shows_in_use_so_used_is_no_matter(self) -> None:
        assert isinstance(ask(RequestKind.DEFECT, delivered(), condition=Condition.USED), Approved)

    def test_damaged_by_the_customer_is_for_a_human(self) -> None:
        decision = ask(RequestKind.DEFECT, delivered(), condition=Condition.DAMAGED_BY_CUSTOMER)
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.USED_BY_CUSTOMER

    def test_a_wrong_article_that_was_washed_is_for_a_human(self) -> None:
        decision = ask(RequestKind.WRONG_ITEM, delivered(), condition=Condition.WASHED)
        assert isinstance(decision, NeedsAgent)

    def test_of_several_articles_the_faulty_one_is_asked_for(self) -> None:
        decision = ask(RequestKind.DEFECT, delivered(line("lamp"), line("desk")))
        assert isinstance(decision, NeedsFact)
        assert (decision.fact, decision.choices) == (Fact.LINES, ("lamp", "desk"))

    def test_final_sale_is_taken_back_when_it_is_faulty(self) -> None:
        assert isinstance(ask(RequestKind.DEFECT, delivered(line(category="food"))), Approved)
        assert isinstance(ask(RequestKind.WRONG_ITEM, delivered(line(category="underwear"))), Approved)

    def test_the_latest_parcel_of_the_line_counts(self) -> None:
        parcel = ShipmentFacts("parcel-2", ("lamp",), NOW - days(7), NOW - days(5))
        late = replace(delivered(ago=40), shipments=(parcel,))
        assert isinstance(ask(RequestKind.DEFECT, late), Approved)


class TestRule5WrongSize:
    """delivered up to 30 days ago, wrong size: as 4; reorder offered in another size."""

    def test_the_shop_pays_and_another_size_is_offered(self) -> None:
        decision = ask(RequestKind.WRONG_SIZE, delivered(SHIRT, shipping_fee=500))
        plan = plan_of(decision)
        assert (plan.refund_amount, plan.shop_pays_return, decision.receipt.number) == (4_500, True, 5)
        assert effect(plan, OfferReorder).offer is Offer.REORDER_OTHER_SIZE

    def test_it_is_not_asked_whether_it_was_tried_on(self) -> None:
        assert isinstance(ask(RequestKind.WRONG_SIZE, delivered(SHIRT)), Approved)
        assert isinstance(ask(RequestKind.WRONG_SIZE, delivered(SHIRT), condition=Condition.TRIED_ON), Approved)

    @pytest.mark.parametrize("condition", [Condition.USED, Condition.WASHED, Condition.DAMAGED_BY_CUSTOMER])
    def test_worn_and_washed_in_their_own_words_is_for_a_human(self, condition: Condition) -> None:
        decision = ask(RequestKind.WRONG_SIZE, delivered(SHIRT), condition=condition)
        assert isinstance(decision, NeedsAgent)
        assert (decision.reason, decision.plan.effects) == (AgentReason.USED_BY_CUSTOMER, ())

    def test_underwear_of_the_wrong_size_is_final_sale(self) -> None:
        decision = ask(RequestKind.WRONG_SIZE, delivered(line(category="underwear")))
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.FINAL_SALE

    @pytest.mark.parametrize(("ago", "approved"), [(30, True), (31, False)])
    def test_the_window_is_30_days(self, ago: int, approved: bool) -> None:
        assert isinstance(ask(RequestKind.WRONG_SIZE, delivered(SHIRT, ago=ago)), Approved) is approved


class TestRule6ChangeOfMind:
    """delivered up to 30 days ago, change of mind: customer pays; unopened article price, opened half."""

    def test_unopened_gives_the_article_price_and_the_customer_pays(self) -> None:
        decision = ask(RequestKind.CHANGE_OF_MIND, delivered(shipping_fee=500), condition=Condition.UNOPENED)
        plan = plan_of(decision)
        assert (plan.refund_amount, plan.shop_pays_return, decision.receipt.number) == (5_000, False, 6)
        assert effect(plan, AuthorizeReturn).payer is Payer.CUSTOMER

    def test_opened_gives_half(self) -> None:
        plan = plan_of(ask(RequestKind.CHANGE_OF_MIND, delivered(), condition=Condition.OPENED))
        assert plan.refund_amount == 2_500

    def test_half_of_an_odd_price_is_rounded_up(self) -> None:
        plan = plan_of(ask(RequestKind.CHANGE_OF_MIND, delivered(line(price=4_999)), condition=Condition.OPENED))
        assert plan.refund_amount == 2_500

    def test_the_condition_is_asked_because_it_changes_the_outcome(self) -> None:
        decision = ask(RequestKind.CHANGE_OF_MIND, delivered())
        assert isinstance(decision, NeedsFact)
        assert decision.fact is Fact.CONDITION

    @pytest.mark.parametrize("condition", [None, Condition.UNOPENED, Condition.OPENED, Condition.TRIED_ON])
    @pytest.mark.parametrize("category", ["clothing", "shoes"])
    def test_clothing_and_shoes_tried_on_count_as_unopened(self, condition: Condition | None, category: str) -> None:
        worn = delivered(line("shirt", 4_000, category))
        assert plan_of(ask(RequestKind.CHANGE_OF_MIND, worn, condition=condition)).refund_amount == 4_000

    @pytest.mark.parametrize("condition", [Condition.USED, Condition.WASHED, Condition.DAMAGED_BY_CUSTOMER])
    @pytest.mark.parametrize("what", [line(), SHIRT])
    def test_used_in_their_own_words_is_for_a_human(self, condition: Condition, what: LineFacts) -> None:
        decision = ask(RequestKind.CHANGE_OF_MIND, delivered(what), condition=condition)
        assert isinstance(decision, NeedsAgent)
        assert decision.reason is AgentReason.USED_BY_CUSTOMER

    @pytest.mark.parametrize(("ago", "approved"), [(30, True), (31, False)])
    def test_the_window_is_30_days(self, ago: int, approved: bool) -> None:
        decision = ask(RequestKind.CHANGE_OF_MIND, delivered(ago=ago), condition=Condition.UNOPENED)
        assert isinstance(decision, Approved) is approved

    def test_what_is_final_sale_is_left_out_and_the_rest_comes_back(self) -> None:
        mixed = delivered(line("lamp"), line("jam", 800, "food"))
        wanted = (LineQuantity("lamp", 1), LineQuantity("jam", 1))
        plan = plan_of(ask(RequestKind.CHANGE_OF_MIND, mixed, lines=wanted, condition=Condition.UNOPENED))
        assert plan.refund_amount == 5_000
        assert [(out.line_id, out.reason) for out in plan.left_out] == [("jam", DeclineReason.FINAL_SALE)]

    def test_digital_content_not_downloaded_comes_back_at_once_and_without_a_parcel(self) -> None:
        film = delivered(line("film", 500, "video", kind=LineKind.DIGITAL))
        plan = plan_of(ask(RequestKind.CHANGE_OF_MIND, film))
        assert kinds(plan) == ["cancel_lines", "refund"]
        assert (effect(plan, Refund).when, plan.shop_pays_return) == (RefundTiming.NOW, None)

    def test_of_a_mixed_order_only_the_articles_travel(self) -> None:
        mixed = delivered(line("lamp"), line("film", 500, "video", kind=LineKind.DIGITAL))
        wanted = (LineQuantity("lamp", 1), LineQuantity("film", 1))
        plan = plan_of(ask(RequestKind.CHANGE_OF_MIND, mixed, lines=wanted, condition=Condition.UNOPENED))
        assert effect(plan, Refund).splits[0].amount == 500
        assert effect(plan, AuthorizeReturn).splits[0].amount == 5_000
        assert [each.line_id for each in effect(plan, AuthorizeReturn).lines] == ["lamp"]

    def test_the_discount_is_taken_off_before_the_half(self) -> None:
        cheaper = delivered(line(price=5_000), discount=1_000)
        assert plan_of(ask(RequestKind.CHANGE_OF_MIND, cheaper, condition=Condition.OPENED)).refund_amount == 2_000


class TestRule7WindowEnded:
    """delivered more than 30 days ago: defect a human; else declined, human offered."""

    @pytest.mark.parametrize("kind", [RequestKind.DEFECT, RequestKind.MISSING_PART])
    def test_a_defect_is_for_a_human(self, kind: RequestKind) -> None:
        decision = ask(kind, delivered(ago=35))
        assert isinstance(decision, NeedsAgent)
        assert (decision.reason, decision.receipt.number) == (AgentReason.DEFECT_AFTER_WINDOW, 7)

    @pytest.mark.parametrize("kind", [RequestKind.WRONG_SIZE, RequestKind.CHANGE_OF_MIND, RequestKind.WRONG_ITEM])
    def test_all_else_is_declined_and_a_human_offered(self, kind: RequestKind) -> None:
        decision = ask(kind, delivered(ago=35))
        assert isinstance(decision, Declined)
        assert (decision.reason, decision.offers) == (DeclineReason.WINDOW_ENDED, (Offer.HUMAN,))

    def test_the_receipt_says_what_would_have_changed_it(self) -> None:
        receipt = ask(RequestKind.WRONG_SIZE, delivered(ago=31)).receipt
        assert receipt.facts["days_since_delivery"] == 31
        assert receipt.would_change == {"days_since_delivery": "<= 30"}


class TestRule8FinalSale:
    """final sale (food, underwear, hygiene, downloaded content): declined unless defect or wrong article."""

    @pytest.mark.parametrize("category", ["food", "underwear", "hygiene"])
    def test_a_change_of_mind_is_declined(self, category: str) -> None:
        decision = ask(RequestKind.CHANGE_OF_MIND, delivered(line(category=category)), condition=Condition.UNOPENED)
        assert isinstance(decision, Declined)
        assert (decision.reason, decision.receipt.number) == (DeclineReason.FINAL_SALE, 8)

    def test_downloaded_content_is_final(self) -> None:
        film = line("film", 500, "video", kind=LineKind.DIGITAL, downloaded=True)
        decision = ask(RequestKind.CHANGE_OF_MIND, delivered(film))
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.FINAL_SALE

    def test_a_product_marked_so_is_final_whatever_its_category(self) -> None:
        decision = ask(RequestKind.CHANGE_OF_MIND, delivered(line(final_sale=True)))
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.FINAL_SALE


class TestThereIsNoExchange:
    """An exchange is always cancel, refund, reorder."""

    def test_the_problem_is_asked_for(self) -> None:
        decision = ask(RequestKind.EXCHANGE, delivered())
        assert isinstance(decision, NeedsFact)
        assert decision.fact is Fact.PROBLEM

    def test_it_is_decided_as_its_problem_with_a_reorder_offered(self) -> None:
        plan = plan_of(ask(RequestKind.EXCHANGE, delivered(), problem=RequestKind.DEFECT))
        assert kinds(plan) == ["authorize_return", "set_timer", "set_timer", "offer_reorder"]

    def test_the_refund_does_not_wait_for_the_reorder(self) -> None:
        plan = plan_of(ask(RequestKind.EXCHANGE, delivered(payments=(card(5_000),)), problem=RequestKind.WRONG_SIZE))
        assert kinds(plan).index("authorize_return") < kinds(plan).index("offer_reorder")
