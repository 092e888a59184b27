"""The shop's terms: every number and switch of the rules with its meaning. The defaults are those of the policy paper.

A file holds versions by effective date; `terms_file.py` reads it, `TermsBook.at` finds the one an order is judged by.
"""

from datetime import date, datetime, time
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator

from madoguchi.policy.vocabulary import Payer

Count = Annotated[int, Field(strict=True, ge=0)]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
Minor = Annotated[int, Field(strict=True, ge=0)]
Names = tuple[Annotated[str, Field(min_length=1)], ...]


def _a_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("must be the name of a time zone such as Asia/Tokyo") from error
    return name


def _a_day_of_the_year(text: str) -> str:
    try:
        month, day = (int(part) for part in text.split("-"))
        date(2024, month, day)  # A leap year, so that 02-29 may be named.
    except ValueError as error:
        raise ValueError("must be a day of the year written as MM-DD") from error
    return f"{month:02}-{day:02}"


DayOfYear = Annotated[str, AfterValidator(_a_day_of_the_year)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CancellationTerms(_Section):
    """Before shipment (rules 1 to 3)."""

    single_lines: StrictBool = True
    """Some lines of an order may be canceled; False: the whole order only."""
    accepted_reasons: Names = ()
    """Codes of the reasons that are accepted; empty: any reason."""
    while_preparing: StrictBool = True
    """A cancellation may be asked for while the warehouse prepares the order (rule 2)."""
    after_change: StrictBool = True
    """An order whose articles were changed may still be canceled."""
    shipped_becomes_return: StrictBool = True
    """A wish to cancel a shipped order is answered with a return (rule 3); False: it is declined."""
    refund_shipping_fee: StrictBool = True
    """The shipping fee comes back with the whole order."""


class ReturnTerms(_Section):
    """After shipment (rules 3 to 8)."""

    window_days: Count | None = 30
    """Days after delivery in which a return may be asked for; null: no limit."""
    before_delivery: StrictBool = True
    """A customer who says the article arrived is believed before the carrier says so."""
    once_per_order: StrictBool = False
    """One return or exchange an order, whatever it held."""
    ask_condition: StrictBool = True
    """The condition of the article changes the outcome; False: it is never asked for nor looked at."""
    opened_percent: Percent = 50
    """Part of the article's price that comes back for an opened article (rule 6)."""
    tried_on_counts_as_unopened: Names = ("clothing", "shoes")
    """Categories in which opening and trying on change nothing."""
    fault_payer: Payer = Payer.SHOP
    """Who pays the return shipping where the shop or the article is at fault (rules 4 and 5)."""
    change_of_mind_payer: Payer = Payer.CUSTOMER
    """Who pays it otherwise (rule 6)."""
    refund_postage_on_fault: StrictBool = True
    """The outbound postage comes back in proportion where the shop is at fault."""
    final_sale_categories: Names = ("food", "underwear", "hygiene")
    """Categories that are not taken back unless defective or wrong (rule 8)."""
    downloaded_is_final: StrictBool = True
    """Digital content once downloaded is final sale (rule 8)."""
    direct_exchange: StrictBool = False
    """An article may be exchanged in one step; False: always return, refund, reorder."""


class MembershipTerms(_Section):
    """Memberships, trials and subscriptions (rules 9 to 11)."""

    mistake_window_days: Count = 30
    """Days after joining in which a sign-up by mistake is refunded."""
    end_unused_at_once: StrictBool = True
    """A member who did not use the current period may end it at once, with its fee refunded."""


class MarketplaceTerms(_Section):
    """Marketplace sellers and the guarantee (rules 12 to 15)."""

    answer_hours: Count = 48
    """Hours a seller has to answer."""
    guarantee_limit: Minor = 300_000
    """The most the guarantee pays for one order."""


class DeliveryTerms(_Section):
    """Parcels that are not there (rule 16)."""

    marked_delivered_wait_days: Count = 3
    """Days to wait after the carrier marked a parcel delivered that is not there."""
    overdue_days: Count = 3
    """Days past the promised day after which a parcel counts as missing."""


class ParcelTerms(_Section):
    """Return parcels on their way (rule 19)."""

    reminder_days: Count = 14
    """Days after which the customer is reminded."""
    expiry_days: Count = 30
    """Days after which the authorization expires."""

    @model_validator(mode="after")
    def _reminded_before_it_expires(self) -> Self:
        if self.reminder_days > self.expiry_days:
            raise ValueError("reminder_days must not be later than expiry_days")
        return self


class ReviewTerms(_Section):
    """When a human looks first (rule 20)."""

    refund_limit: Minor | None = 200_000
    """A refund over this for anything already shipped goes to a human; null: no limit."""
    claims: Count | None = 3
    """The claim of this number within the window goes to a human, this one counted; null: claims are not counted."""
    claims_window_days: Count = 90
    """The days over which claims are counted."""


class RefundTerms(_Section):
    """How money comes back."""

    gift_balance_instead: StrictBool = True
    """A customer may choose the shop's gift balance in place of the original payment."""
    bank_transfer: StrictBool = True
    """Convenience store payments and cash on delivery may come back by bank transfer."""
    choose_account: StrictBool = False
    """A return is refunded to an account the customer names: one the order was paid with, or a gift card of theirs."""
    card_business_days: tuple[Count, Count] = (3, 5)
    """Business days until a refund shows on the original payment, from and to."""

    @model_validator(mode="after")
    def _from_before_to(self) -> Self:
        if self.card_business_days[0] > self.card_business_days[1]:
            raise ValueError("card_business_days must be written from the shorter to the longer")
        return self


class CalendarTerms(_Section):
    """The shop's days and hours."""

    time_zone: Annotated[str, AfterValidator(_a_zone)] = "Asia/Tokyo"
    holidays: Literal["japan", "none"] = "japan"
    """Whose public holidays are no business days."""
    closed_weekdays: tuple[Weekday, ...] = ("sat", "sun")
    closed_every_year: tuple[DayOfYear, ...] = ("12-29", "12-30", "12-31", "01-01", "01-02", "01-03")
    """The shop's own closures that come back every year (年末年始)."""
    closed_on: tuple[date, ...] = ()
    """The shop's own closures of one year."""
    opens: time = time(9)
    closes: time = time(18)

    @model_validator(mode="after")
    def _open_at_some_time(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError("opens must be before closes")
        if len(set(self.closed_weekdays)) == 7:
            raise ValueError("closed_weekdays must leave one day of the week open")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.time_zone)


class Terms(_Section):
    """One version of the shop's terms."""

    effective_from: date = date(2000, 1, 1)
    """The first day, in the shop's time zone, on which an order is placed under these terms."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "JPY"
    cancellations: CancellationTerms = CancellationTerms()
    returns: ReturnTerms = ReturnTerms()
    memberships: MembershipTerms = MembershipTerms()
    marketplace: MarketplaceTerms = MarketplaceTerms()
    delivery: DeliveryTerms = DeliveryTerms()
    parcels: ParcelTerms = ParcelTerms()
    review: ReviewTerms = ReviewTerms()
    refunds: RefundTerms = RefundTerms()
    calendar: CalendarTerms = CalendarTerms()


class TermsBook(BaseModel):
    """All versions of the terms, oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    versions: tuple[Terms, ...]

    @model_validator(mode="after")
    def _each_day_has_one_version(self) -> Self:
        if not self.versions:
            raise ValueError("must hold at least one version")
        days = [version.effective_from for version in self.versions]
        if days != sorted(set(days)):
            raise ValueError("must be in the order of effective_from, each day once")
        return self

    def at(self, placed_at: datetime) -> Terms:
        """The terms in force when an order was placed; the oldest ones for an order older than all of them."""
        if placed_at.tzinfo is None:
            raise ValueError("placed_at must be zone-aware")
        in_force = self.versions[0]
        for version in self.versions:
            if version.effective_from <= placed_at.astimezone(version.calendar.zone).date():
                in_force = version
        return in_force
