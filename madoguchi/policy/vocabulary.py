"""The words of the shop's policy as enums: states, methods, reasons."""

from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    PREPARING = "preparing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELED = "canceled"
    CANCEL_REQUESTED = "cancel_requested"


class Seller(StrEnum):
    """Who sold the order: the shop from its own stock, or a marketplace seller."""

    OWN = "own"
    MARKETPLACE = "marketplace"


class LineKind(StrEnum):
    """What a line of an order is; only an article travels in a parcel."""

    ARTICLE = "article"
    DIGITAL = "digital"
    MEMBERSHIP = "membership"


class PaymentMethod(StrEnum):
    """How a payment was made; a wallet is refunded like a card, in business days."""

    CARD = "card"
    WALLET = "wallet"
    GIFT_BALANCE = "gift_balance"
    CONVENIENCE_STORE = "convenience_store"
    CASH_ON_DELIVERY = "cash_on_delivery"


class RefundMethod(StrEnum):
    """How money comes back; `OTHER_CARD` exists only as a wish, to be refused."""

    ORIGINAL_PAYMENT = "original_payment"
    GIFT_BALANCE = "gift_balance"
    BANK_TRANSFER = "bank_transfer"
    OTHER_CARD = "other_card"


class RefundTiming(StrEnum):
    """When a refund is sent: at once, at the scan of the parcel, after the seller's or the warehouse's word."""

    NOW = "now"
    ON_SCAN = "on_scan"
    AFTER_SELLER = "after_seller"
    PLANNED = "planned"


class RefundState(StrEnum):
    """Where a refund stands; `PLANNED` is not sent and can still be voided or changed."""

    PLANNED = "planned"
    SENT = "sent"
    SETTLED = "settled"
    VOIDED = "voided"


class Condition(StrEnum):
    """The state of an article in the customer's own words."""

    UNOPENED = "unopened"
    OPENED = "opened"
    TRIED_ON = "tried_on"
    USED = "used"
    WASHED = "washed"
    DAMAGED_BY_CUSTOMER = "damaged_by_customer"


class Payer(StrEnum):
    """Who pays the return shipping; `NOBODY` where the terms know no such fee."""

    SHOP = "shop"
    CUSTOMER = "customer"
    NOBODY = "nobody"


class ReturnRoute(StrEnum):
    """How the article comes back: sent by the customer, or refused at the door."""

    SEND_BACK = "send_back"
    REFUSE_AT_DOOR = "refuse_at_door"


class AuthorizationState(StrEnum):
    """Where a return authorization stands; arrival (`RECEIVED`) is not inspection."""

    OPEN = "open"
    RECEIVED = "received"
    INSPECTED = "inspected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class InspectionResult(StrEnum):
    """What the warehouse found when it opened a returned parcel."""

    AS_EXPECTED = "as_expected"
    USED = "used"
    DAMAGED_BY_CUSTOMER = "damaged_by_customer"
    OTHER_ARTICLE = "other_article"


class SellerAnswer(StrEnum):
    """What a seller answered to an inquiry."""

    CANCELED = "canceled"
    SHIPPED_IN_ERROR = "shipped_in_error"
    DELIVERED_FINE = "delivered_fine"
    OTHER = "other"


class TimerKind(StrEnum):
    """What a timer set by a plan is for."""

    SELLER_DEADLINE = "seller_deadline"
    RETURN_REMINDER = "return_reminder"
    RETURN_EXPIRY = "return_expiry"
    MISSING_PARCEL = "missing_parcel"


class CaseFlag(StrEnum):
    """Why a case stands on the agents' watch list; a flag is no handoff."""

    CONFLICTING_NOTICES = "conflicting_notices"


class Offer(StrEnum):
    """What the desk may offer the customer besides the decision itself."""

    REORDER_SAME = "reorder_same"
    REORDER_OTHER_SIZE = "reorder_other_size"
    RETURN_AFTER_ARRIVAL = "return_after_arrival"
    GIFT_BALANCE_INSTEAD = "gift_balance_instead"
    ORIGINAL_PAYMENT = "original_payment"
    BANK_TRANSFER = "bank_transfer"
    NEW_AUTHORIZATION = "new_authorization"
    HUMAN = "human"
    HUMAN_FOR_EARLIER_CHARGES = "human_for_earlier_charges"


class Fact(StrEnum):
    """A fact only the customer can tell, asked for only where it changes the outcome."""

    CONDITION = "condition"
    REFUND_METHOD = "refund_method"
    REFUND_ACCOUNT = "refund_account"
    LINES = "lines"
    PROBLEM = "problem"
    CANCEL_REASON = "cancel_reason"
    MEMBERSHIP = "membership"
    END_AT_ONCE = "end_at_once"
    REPLACEMENTS = "replacements"


class DeclineReason(StrEnum):
    """Why a request is refused."""

    ALREADY_REFUNDED = "already_refunded"
    ALREADY_CANCELED = "already_canceled"
    RETURN_ALREADY_OPEN = "return_already_open"
    ONCE_PER_ORDER = "once_per_order"
    LINES_NOT_IN_ORDER = "lines_not_in_order"
    WHOLE_ORDER_ONLY = "whole_order_only"
    CANCEL_REASON_NOT_ACCEPTED = "cancel_reason_not_accepted"
    NOT_CANCELABLE = "not_cancelable"
    NOT_SHIPPED_YET = "not_shipped_yet"
    NOT_DELIVERED = "not_delivered"
    WINDOW_ENDED = "window_ended"
    FINAL_SALE = "final_sale"
    REFUND_METHOD_NOT_ALLOWED = "refund_method_not_allowed"
    REFUND_ALREADY_SENT = "refund_already_sent"
    NOTHING_TO_CHANGE = "nothing_to_change"
    NOTHING_TO_WITHDRAW = "nothing_to_withdraw"
    CANCELLATION_PERFORMED = "cancellation_performed"
    PARCEL_ALREADY_RECEIVED = "parcel_already_received"
    AUTHORIZATION_CLOSED = "authorization_closed"
    MEMBERSHIP_ALREADY_ENDED = "membership_already_ended"
    GUARANTEE_MARKETPLACE_ONLY = "guarantee_marketplace_only"
    GUARANTEE_ALREADY_PAID = "guarantee_already_paid"
    EXCHANGE_COUNT_MISMATCH = "exchange_count_mismatch"
    REPLACEMENT_UNAVAILABLE = "replacement_unavailable"
    ACCOUNT_UNKNOWN = "account_unknown"
    GIFT_BALANCE_TOO_LOW = "gift_balance_too_low"


class AgentReason(StrEnum):
    """Why a human decides."""

    FACTS_MISSING = "facts_missing"
    REFUND_OVER_LIMIT = "refund_over_limit"
    REPEATED_CLAIMS = "repeated_claims"
    USED_BY_CUSTOMER = "used_by_customer"
    DEFECT_AFTER_WINDOW = "defect_after_window"
    MEMBERSHIP_USED = "membership_used"
    SIGNUP_WINDOW_ENDED = "signup_window_ended"
    EARLIER_CHARGES = "earlier_charges"
    MONEY_FROZEN = "money_frozen"
    GUARANTEE_OTHER_METHOD = "guarantee_other_method"
    GUARANTEE_REVIEW = "guarantee_review"
    SELLER_ANSWER_UNCLEAR = "seller_answer_unclear"
    INSPECTION_DISAGREES = "inspection_disagrees"
    PARCEL_WITHOUT_AUTHORIZATION = "parcel_without_authorization"
    SAID_TO_HAVE_ARRIVED = "said_to_have_arrived"
    NO_RULE = "no_rule"


class WaitReason(StrEnum):
    """What is being waited for."""

    CANCELLATION_REQUESTED = "cancellation_requested"
    SELLER_ASKED = "seller_asked"
    NOTICES_CONFLICT = "notices_conflict"
    PARCEL_MAY_STILL_COME = "parcel_may_still_come"
    NOT_DUE_YET = "not_due_yet"
    RETURN_ON_ITS_WAY = "return_on_its_way"
    REMINDED = "reminded"
