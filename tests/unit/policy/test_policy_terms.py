"""The terms a merchant edits: the files in the repository, versions by date, and the sentence for a mistake."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from policy_builders import TERMS, TOKYO, day

from madoguchi.policy.terms import Terms, TermsBook
from madoguchi.policy.terms_file import TermsError, load_terms, parse_terms

POLICIES = Path(__file__).parents[3] / "data" / "policies"


def mistake(text: str) -> str:
    """What the merchant is told about this text."""
    with pytest.raises(TermsError) as caught:
        parse_terms(text, file="shop.yml")
    return str(caught.value)


def version(*lines: str) -> str:
    """A file of one version with these lines in it; the first of them stands on line 3."""
    return "\n".join(["versions:", "  - effective_from: 2026-01-01", *(f"    {each}" for each in lines)])


class TestFilesOfTheRepository:
    """The shop's own terms, and those of another trade."""

    def test_the_shops_file_says_what_the_defaults_are(self) -> None:
        (only,) = load_terms(POLICIES / "shop.yml").versions
        assert only == TERMS

    def test_the_shops_file_names_every_key(self) -> None:
        written = (POLICIES / "shop.yml").read_text(encoding="utf-8")
        for name, section in Terms.model_fields.items():
            assert f"{name}:" in written
            for key in getattr(section.annotation, "model_fields", {}):
                assert f"      {key}:" in written

    def test_the_second_shop_has_other_terms(self) -> None:
        (other,) = load_terms(POLICIES / "tau_retail.yml").versions
        assert (other.currency, other.returns.window_days, other.review.refund_limit) == ("USD", None, None)
        assert other.cancellations.accepted_reasons == ("no longer needed", "ordered by mistake")


class TestVersions:
    """An order is judged by the terms in force when it was placed."""

    book = parse_terms(
        "versions:\n"
        "  - effective_from: 2026-01-01\n"
        "  - effective_from: 2026-04-01\n"
        "    returns: {window_days: 14}\n"
    )  # fmt: skip

    def window(self, placed_at: datetime) -> int | None:
        """The return window of an order placed then."""
        return self.book.at(placed_at).returns.window_days

    def test_the_day_before_the_old_ones(self) -> None:
        assert self.window(datetime(2026, 3, 31, 23, 59, tzinfo=TOKYO)) == 30

    def test_from_its_first_instant_the_new_ones(self) -> None:
        assert self.window(datetime(2026, 4, 1, 0, 0, tzinfo=TOKYO)) == 14

    def test_the_day_is_that_of_the_shops_zone(self) -> None:
        assert self.window(datetime(2026, 3, 31, 15, 0, tzinfo=UTC)) == 14
        assert self.window(datetime(2026, 3, 31, 14, 59, tzinfo=UTC)) == 30

    def test_an_order_older_than_all_versions_is_judged_by_the_oldest(self) -> None:
        assert self.window(datetime(2020, 1, 1, tzinfo=TOKYO)) == 30

    def test_an_instant_without_a_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="zone-aware"):
            self.window(datetime(2026, 4, 1))  # noqa: DTZ001

    def test_a_book_may_be_made_without_a_file(self) -> None:
        assert TermsBook(versions=(TERMS,)).at(datetime(2026, 1, 1, tzinfo=TOKYO)) is TERMS


class TestMistakes:
    """A mistake is named in one clear sentence with file, line and key."""

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (
                version("returns:", "  window_day: 30"),
                "shop.yml, line 4, returns.window_day: there is no such key, did you mean window_days.",
            ),
            (
                version("refund: {}"),
                "shop.yml, line 3, refund: there is no such key, did you mean refunds.",
            ),
            (
                version("returns:", "  window_days: -3"),
                "shop.yml, line 4, returns.window_days: must not be negative, found -3.",
            ),
            (
                version("returns:", "  opened_percent: 101"),
                "shop.yml, line 4, returns.opened_percent: must not be over 100, found 101.",
            ),
            (
                version("review:", "  claims: three"),
                "shop.yml, line 4, review.claims: must be a whole number, found 'three'.",
            ),
            (
                version("review:", "  refund_limit: 200000.5"),
                "shop.yml, line 4, review.refund_limit: must be a whole number, found 200000.5.",
            ),
            (
                version("returns:", "  once_per_order: 1"),
                "shop.yml, line 4, returns.once_per_order: must be true or false, found 1.",
            ),
            (
                version("returns:", "  fault_payer: seller"),
                "shop.yml, line 4, returns.fault_payer: must be 'shop', 'customer' or 'nobody', found 'seller'.",
            ),
            (
                version("calendar:", "  closed_every_year: ['12-31', '02-30']"),
                "shop.yml, line 4, calendar.closed_every_year: must be a day of the year written as MM-DD.",
            ),
            (
                version("calendar:", "  time_zone: Tokyo"),
                "shop.yml, line 4, calendar.time_zone: must be the name of a time zone such as Asia/Tokyo.",
            ),
            (
                version("parcels:", "  reminder_days: 31"),
                "shop.yml, line 3, parcels: reminder_days must not be later than expiry_days.",
            ),
            (
                version("refunds:", "  card_business_days: [5, 3]"),
                "shop.yml, line 3, refunds: card_business_days must be written from the shorter to the longer.",
            ),
            (
                version("returns:", "  window_days: 1", "  window_days: 2"),
                "shop.yml, line 5: a key stands here for the second time.",
            ),
            ("versions: []", "shop.yml, line 1, versions: must hold at least one version."),
            ("{}", "shop.yml, line 1, versions: the key is missing."),
            ("- a", "shop.yml, line 1, versions: the file must hold a list of versions."),
            ("", "shop.yml, line 1, versions: the file must hold a list of versions."),
            (
                "versions:\n  - effective_from: 2026-02-01\n  - effective_from: 2026-01-01\n",
                "shop.yml, line 1, versions: must be in the order of effective_from, each day once.",
            ),
        ],
    )
    def test_it_is_told_where_and_what(self, text: str, sentence: str) -> None:
        assert mistake(text) == sentence

    def test_what_is_not_yaml_is_told_with_its_line(self) -> None:
        assert mistake("versions:\n  - returns: [1\n    x: }").startswith("shop.yml, line 3: this is not YAML")

    def test_of_several_mistakes_the_first_in_the_file_is_named(self) -> None:
        both = version("review:", "  claims: -1", "returns:", "  window_days: -1")
        assert mistake(both) == "shop.yml, line 4, review.claims: must not be negative, found -1."

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(TermsError, match="cannot be read"):
            load_terms(tmp_path / "none.yml")

    def test_the_error_carries_its_parts(self) -> None:
        with pytest.raises(TermsError) as caught:
            parse_terms(version("returns:", "  window_days: -3"), file="shop.yml")
        assert (caught.value.file, caught.value.line, caught.value.key) == ("shop.yml", 4, "returns.window_days")

    def test_null_means_no_limit_where_a_limit_may_be_missing(self) -> None:
        (only,) = parse_terms(version("returns: {window_days: null}")).versions
        assert only.returns.window_days is None
        assert only.effective_from == day("2026-01-01")
