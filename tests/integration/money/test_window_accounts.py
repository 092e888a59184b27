"""A bank account lets the transfer that waits for it go, once, and can be read nowhere."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from money_shop import Shop, violations
from sqlalchemy import text
from window_helpers import told

from madoguchi.services import accounts, outbox, payees, privacy, progress, worker
from madoguchi.services.accounts import NotGiven
from madoguchi.services.desk import Desk
from madoguchi.services.payees import Payee, holder_of, payee_of
from madoguchi.services.sealing import CannotOpen, Seal
from madoguchi.store import BankAccount, Case, Conversation

FIELDS = {"bank": "0001", "branch": "123", "kind": "ordinary", "number": "7654321", "holder": "ヤマダ ハナコ"}
PAYEE = Payee("0001", "123", "ordinary", "7654321", "ﾔﾏﾀﾞ ﾊﾅｺ")


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return replace(shop.desk, seal=Seal([Fernet.generate_key().decode()]))


@pytest.fixture
def talk(shop: Shop, desk: Desk) -> str:
    """A customer whose cancellation of an order paid at a convenience store goes back by transfer."""
    customer, talk = shop.customer()
    order = shop.order(customer, 6_000, paid={"convenience_store": 6_000})
    shop.agree(talk, kind="cancel", order_number=order, refund_method="bank_transfer")
    return talk


def case(shop: Shop) -> str:
    return str(shop.value("SELECT reference FROM cases"))


def give(desk: Desk, talk: str, reference: str, link: str = "link-1", payee: Payee = PAYEE) -> BankAccount | NotGiven:
    return accounts.give(desk, talk, reference, payee, link=link, ends=desk.clock() + timedelta(minutes=30))


def refunds(shop: Shop) -> list[tuple[str, str]]:
    return [tuple(row) for row in shop.rows("SELECT r.state, o.state FROM refunds r JOIN outbox o ON o.key = r.key")]


class TestTheTransfer:
    def test_it_waits_goes_with_the_account_and_arrives(self, shop: Shop, desk: Desk, talk: str) -> None:
        worker.run_once(desk)
        assert refunds(shop) == [("pending", "ready")]
        (found,) = progress.of_conversation(desk, talk)
        assert (found.needs_account, found.now.code) == (True, "refunded")
        assert isinstance(give(desk, talk, case(shop)), BankAccount)
        assert refunds(shop) == [("sent", "done")]
        assert violations(shop) == []
        told(shop, "processor.refund_settled", refund=shop.value("SELECT key FROM refunds"))
        (found,) = progress.of_conversation(desk, talk)
        assert (found.over, found.needs_account) == (True, False)

    def test_a_return_may_have_its_account_before_its_parcel(self, shop: Shop, desk: Desk) -> None:
        customer, talk = shop.customer()
        order = shop.order(customer, 8_000, state="delivered", paid={"convenience_store": 8_000})
        shop.agree(talk, kind="defect", order_number=order, refund_method="bank_transfer")
        (found,) = progress.of_conversation(desk, talk)
        assert found.needs_account
        give(desk, talk, found.case)
        told(shop, "warehouse.parcel_scanned", rma=shop.rma(order))
        outbox.send_due(desk)
        assert refunds(shop) == [("sent", "done")]

    def test_one_link_gives_one_account_and_a_second_account_is_not_taken(
        self, shop: Shop, desk: Desk, talk: str
    ) -> None:
        shop.processor.misbehave("*", "unavailable")
        give(desk, talk, case(shop))
        assert give(desk, talk, case(shop)) is NotGiven.LINK_USED
        assert give(desk, talk, case(shop), "link-2") is NotGiven.NOT_WANTED
        assert shop.value("SELECT COUNT(*) FROM bank_accounts") == 1

    def test_a_reply_that_was_lost_sends_nothing_twice(self, shop: Shop, desk: Desk, talk: str) -> None:
        shop.processor.misbehave("*", "lost_reply", times=1)
        give(desk, talk, case(shop))
        assert refunds(shop) == [("pending", "ready")]
        shop.clock.move(minutes=2)
        outbox.send_due(desk)
        assert refunds(shop) == [("sent", "done")]

    def test_a_bank_that_refuses_calls_a_human(self, shop: Shop, desk: Desk, talk: str) -> None:
        shop.processor.misbehave("*", "refuse")
        give(desk, talk, case(shop))
        assert refunds(shop) == [("failed", "failed")]
        assert shop.value("SELECT owner FROM conversations WHERE id = :t", t=talk) == "waiting"

    def test_only_the_signed_in_customer_is_asked(self, shop: Shop, desk: Desk, talk: str) -> None:
        _, stranger = shop.customer()
        with shop.store.writing() as session:
            at, proved = shop.clock.now, [session.query(Case).one().order_number]
            session.add(Conversation(id="visit", proved_orders=proved, opened_at=at, last_at=at))
            session.flush()
            session.query(Case).one().conversation_id = "visit"
        for who in (stranger, "visit", "nobody"):
            assert accounts.wanted(desk, who, case(shop)) is None
            assert give(desk, who, case(shop), f"link-{who}") is NotGiven.NOT_WANTED
        assert accounts.wanted(desk, talk, case(shop)) is not None

    def test_without_a_seal_nothing_is_kept(self, shop: Shop, talk: str) -> None:
        with pytest.raises(RuntimeError):
            give(shop.desk, talk, case(shop))
        assert shop.value("SELECT COUNT(*) FROM bank_accounts") == 0


class TestSecrecy:
    def test_no_table_holds_it_readable(self, shop: Shop, desk: Desk, talk: str) -> None:
        give(desk, talk, case(shop))
        with shop.store.reading() as session:
            row = session.query(BankAccount).one()
            held = str({column: getattr(row, column) for column in ("sealed", "end")})
            others = str(session.execute(text("SELECT detail FROM audit")).all())
            others += str(session.execute(text("SELECT payload, last_error FROM outbox")).all())
        for secret in (PAYEE.number, PAYEE.holder, unicodedata.normalize("NFKC", PAYEE.holder)):
            assert secret not in held + others
        assert row.end == "321"
        assert str(privacy.export(desk, "staff:1", "c1")).count(row.sealed) == 0

    def test_erasing_the_customer_erases_it(self, shop: Shop, desk: Desk, talk: str) -> None:
        give(desk, talk, case(shop))
        privacy.erase(desk, "staff:1", "c1")
        assert shop.rows('SELECT sealed, "end" FROM bank_accounts') == [("", "")]

    def test_it_is_kept_no_longer_than_it_is_of_use(self, shop: Shop, desk: Desk, talk: str) -> None:
        shop.processor.misbehave("*", "unavailable")
        give(desk, talk, case(shop))
        shop.clock.move(days=91)
        privacy.retain(desk)
        assert shop.value("SELECT sealed FROM bank_accounts") != "", "its transfer is still to be made"
        shop.processor.behave()
        outbox.send_due(desk)
        privacy.retain(desk)
        assert shop.value("SELECT sealed FROM bank_accounts") == ""

    def test_one_that_cannot_be_opened_is_a_humans(self, shop: Shop, desk: Desk, talk: str) -> None:
        shop.processor.misbehave("*", "unavailable", times=1)
        give(desk, talk, case(shop))
        shop.clock.move(minutes=2)
        outbox.send_due(replace(desk, seal=Seal([Fernet.generate_key().decode()])))
        assert refunds(shop) == [("failed", "failed")]


class TestTheSeal:
    def test_keys_are_changed_by_putting_a_new_one_first(self) -> None:
        old, new = (Fernet.generate_key().decode() for _ in range(2))
        sealed = Seal([old]).close("customer:1", PAYEE.facts())
        assert Seal([new, old]).open("customer:1", sealed) == PAYEE.facts()
        with pytest.raises(CannotOpen):
            Seal([new]).open("customer:1", sealed)

    def test_it_is_the_owners_alone_and_cannot_be_altered(self) -> None:
        seal = Seal([Fernet.generate_key().decode()])
        sealed = seal.close("customer:1", PAYEE.facts())
        for owner, text_ in (("customer:2", sealed), ("customer:1", sealed[:-4] + "AAA="), ("customer:1", "")):
            with pytest.raises(CannotOpen):
                seal.open(owner, text_)


class TestTheForm:
    def test_what_people_type_is_read(self) -> None:
        assert payee_of(FIELDS) == PAYEE
        wide = {
            "bank": "０００１",
            "branch": "1 2 3",
            "kind": "ordinary",
            "number": "７６５－４３２１",
            "holder": "ﾔﾏﾀﾞ　ﾊﾅｺ",
        }
        assert payee_of(wide) == PAYEE

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            *[("bank", wrong) for wrong in ("", "1", "00011", "000a", "一二三四", "-001", "0001\x00")],
            *[("branch", wrong) for wrong in ("", "12", "1234", "本店")],
            *[("number", wrong) for wrong in ("", "123456", "12345678", "1234-56", "٠١٢٣٤٥٦a")],
            *[("kind", wrong) for wrong in ("", "saving", "<b>")],
            *[("holder", wrong) for wrong in ("", "ヤ", "山田花子", "ヤ" * 31, "<script>", "ヤマダ;DROP", "😀😀")],
        ],
    )
    def test_anything_else_is_told_by_its_field(self, name: str, value: str) -> None:
        assert payee_of({**FIELDS, name: value}) == (name,)

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("ヤマダ ハナコ", "ﾔﾏﾀﾞ ﾊﾅｺ"),
            ("やまだ　はなこ", "ﾔﾏﾀﾞ ﾊﾅｺ"),
            ("ﾔﾏﾀﾞ ﾊﾅｺ", "ﾔﾏﾀﾞ ﾊﾅｺ"),
            ("パートナー", "ﾊﾟ-ﾄﾅ-"),
            ("キョウコ ッ", "ｷﾖｳｺ ﾂ"),
            ("カ）ヒヨリドウ", "ｶ)ﾋﾖﾘﾄﾞｳ"),
            ("john smith", "JOHN SMITH"),
            ("ヴェルヲ", "ｳﾞｴﾙｵ"),
        ],
    )
    def test_a_name_comes_into_the_characters_of_the_banks(self, typed: str, kept: str) -> None:
        assert holder_of(typed) == kept
        assert payees.holder_of(kept) == kept, "read again it stays as it is"
