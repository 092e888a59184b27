"""The cases of the policy paper that are decisions, in the customer's words."""

from dataclasses import replace
from datetime import timedelta

from policy_builders import (
    NOW,
    ask,
    authorization,
    card,
    cash,
    days,
    delivered,
    inquiry,
    kinds,
    line,
    marketplace,
    membership,
    order,
    plan_of,
    planned,
)

from madoguchi.policy.decisions import Approved, Declined, NeedsAgent, NeedsFact, Wait
from madoguchi.policy.facts import Facts, LineQuantity
from madoguchi.policy.requests import RequestKind
from madoguchi.policy.vocabulary import Condition, DeclineReason, Fact, Offer, OrderState, RefundMethod, RefundTiming


class TestTheFortyCases:
    """Each test bears the number and the words of its case."""

    def test_01_電源を入れても動きません(self) -> None:
        plan = plan_of(ask(RequestKind.DEFECT, delivered()))
        assert (plan.shop_pays_return, plan.timing) == (True, RefundTiming.ON_SCAN)
        assert Offer.REORDER_SAME in plan.offers

    def test_02_ギフト残高で_カードで返金して(self) -> None:
        for wish in (RefundMethod.GIFT_BALANCE, RefundMethod.ORIGINAL_PAYMENT):
            known = Facts(delivered(), authorizations=(authorization(method=wish),))
            plan = plan_of(ask(RequestKind.PARCEL_SCANNED, known))
            assert (plan.splits[0].method, plan.moves_money) == (wish, True)

    def test_04_間違えて有料会員に登録した(self) -> None:
        both = Facts(memberships=(membership("prime", main=True), membership("trial")))
        plan = plan_of(ask(RequestKind.ACCIDENTAL_SIGNUP, both))
        assert (kinds(plan), plan.refund_amount) == (["end_membership", "refund"], 600)

    def test_05_Lなのに小さすぎる(self) -> None:
        plan = plan_of(ask(RequestKind.WRONG_SIZE, delivered(line("shirt", 4_000, "clothing"))))
        assert Offer.REORDER_OTHER_SIZE in plan.offers

    def test_07_一度はいて洗いました(self) -> None:
        worn = delivered(line("trousers", 4_000, "clothing"))
        for kind in (RequestKind.WRONG_SIZE, RequestKind.CHANGE_OF_MIND):
            assert isinstance(ask(kind, worn, condition=Condition.WASHED), NeedsAgent)

    def test_11_出品者に品切れだからキャンセルしてと言われた(self) -> None:
        plan = plan_of(ask(RequestKind.SELLER_STOCKOUT, marketplace()))
        assert (kinds(plan)[0], plan.timing) == ("request_cancellation", RefundTiming.AFTER_SELLER)

    def test_13_出品者から連絡がない_20時間(self) -> None:
        asked = Facts(marketplace(state=OrderState.CANCEL_REQUESTED), inquiry=inquiry())
        decision = ask(RequestKind.GUARANTEE, asked)
        assert isinstance(decision, Wait)
        assert decision.until == NOW + timedelta(hours=28)

    def test_14_品切れなのに発送メールが来た(self) -> None:
        asked = Facts(marketplace(state=OrderState.CANCEL_REQUESTED), inquiry=inquiry())
        plan = plan_of(ask(RequestKind.CONFLICTING_NOTICE, asked))
        assert {"freeze_order", "open_seller_inquiry", "flag_case"} <= set(kinds(plan))

    def test_15_48時間たっても返事がない(self) -> None:
        asked = Facts(marketplace(state=OrderState.CANCEL_REQUESTED), inquiry=inquiry(timedelta(hours=48)))
        assert "guarantee_payout" in kinds(plan_of(ask(RequestKind.GUARANTEE, asked)))

    def test_16_返事に納得できない(self) -> None:
        assert isinstance(ask(RequestKind.DISSATISFIED_WITH_ANSWER, marketplace()), NeedsAgent)

    def test_17_届いて問題なかった(self) -> None:
        held = replace(marketplace(state=OrderState.CANCEL_REQUESTED), frozen=True)
        plan = plan_of(ask(RequestKind.ARRIVED_FINE, Facts(held, refunds=(planned(),), inquiry=inquiry())))
        assert {"void_refund", "close_case"} <= set(kinds(plan))

    def test_18_発送前_いらなくなった(self) -> None:
        assert kinds(plan_of(ask(RequestKind.CANCEL, order()))) == ["cancel_lines", "restore_stock", "refund"]

    def test_19_発送準備中だけど取り消したい(self) -> None:
        plan = plan_of(ask(RequestKind.CANCEL, order(state=OrderState.PREPARING)))
        assert kinds(plan)[0] == "request_cancellation"

    def test_20_3点中1点だけ取消(self) -> None:
        three = order(line("a", 1_000), line("b", 2_000), line("c", 3_000))
        assert plan_of(ask(RequestKind.CANCEL, three, lines=(LineQuantity("b", 1),))).refund_amount == 2_000

    def test_23_別のカードに返金して(self) -> None:
        decision = ask(RequestKind.CANCEL, order(), refund_method=RefundMethod.OTHER_CARD)
        assert isinstance(decision, Declined)
        assert {Offer.ORIGINAL_PAYMENT, Offer.GIFT_BALANCE_INSTEAD} <= set(decision.offers)

    def test_24_キャンセルしないで(self) -> None:
        asked = Facts(order(state=OrderState.CANCEL_REQUESTED), refunds=(planned(),))
        assert kinds(plan_of(ask(RequestKind.WITHDRAW, asked)))[0] == "withdraw_cancellation"

    def test_26_キャンセルを元に戻して(self) -> None:
        decision = ask(RequestKind.WITHDRAW, order(line(canceled=1), state=OrderState.CANCELED))
        assert isinstance(decision, Declined)
        assert decision.offers == (Offer.REORDER_SAME, Offer.HUMAN)

    def test_27_開封したけど思ったのと違う(self) -> None:
        plan = plan_of(ask(RequestKind.CHANGE_OF_MIND, delivered(), condition=Condition.OPENED))
        assert (plan.shop_pays_return, plan.refund_amount) == (False, 2_500)

    def test_28_未開封_10日目_不要(self) -> None:
        plan = plan_of(ask(RequestKind.CHANGE_OF_MIND, delivered(ago=10), condition=Condition.UNOPENED))
        assert (plan.shop_pays_return, plan.refund_amount) == (False, 5_000)

    def test_29_35日前に届いた(self) -> None:
        assert isinstance(ask(RequestKind.CHANGE_OF_MIND, delivered(ago=35)), Declined)
        assert isinstance(ask(RequestKind.DEFECT, delivered(ago=35)), NeedsAgent)

    def test_30_下着ですが返したい(self) -> None:
        decision = ask(RequestKind.CHANGE_OF_MIND, delivered(line(category="underwear")))
        assert isinstance(decision, Declined)
        assert decision.reason is DeclineReason.FINAL_SALE

    def test_32_全額また返して_一部返金済み(self) -> None:
        rest = delivered(line("lamp", returned=1, refunded=5_000), line("shirt", 4_000, "clothing"),
                         payments=(card(9_000, refunded=5_000),))  # fmt: skip
        assert plan_of(ask(RequestKind.REFUND_AGAIN, rest)).refund_amount == 4_000

    def test_33_違う商品_部品が足りない(self) -> None:
        for kind in (RequestKind.WRONG_ITEM, RequestKind.MISSING_PART):
            assert plan_of(ask(kind, delivered())).shop_pays_return is True

    def test_34_配達済みなのに届かない(self) -> None:
        decision = ask(RequestKind.NOT_DELIVERED, delivered(ago=1))
        assert isinstance(decision, Wait)
        assert decision.until is not None
        later = plan_of(ask(RequestKind.NOT_DELIVERED, delivered(ago=1), now=NOW + days(2)))
        assert (later.refund_amount, Offer.REORDER_SAME in later.offers) == (5_000, True)

    def test_35_コンビニ払いでした(self) -> None:
        decision = ask(RequestKind.CANCEL, order(payments=(cash(5_000),)))
        assert isinstance(decision, NeedsFact)
        assert decision.fact is Fact.REFUND_METHOD

    def test_38_148000円のカメラ(self) -> None:
        assert isinstance(ask(RequestKind.DEFECT, delivered(line("camera", 148_000))), Approved)
