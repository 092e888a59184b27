"""Mails: each goes out once, is tried again while the post is away, and its state is what the customer sees."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from money_shop import Shop
from smtp_server import post_office

from madoguchi.mailing import Away, Handed, Letter, Server, Smtp, Spool, Undeliverable
from madoguchi.services import mails, notices, privacy, worker
from madoguchi.services.desk import Desk
from madoguchi.store import Notice, OutboxCall

LETTER = Letter("n-1", "佐伯 美和子 様", "c1@example.jp", "ご返金のお知らせ", "佐伯様\n\nご返金いたしました。\n")
SENDER = "窓口 <desk@shop.example.jp>"


@dataclass
class Memory:
    """A post that a test can look into and send away."""

    answers: list[Handed | Undeliverable | Away] = field(default_factory=list)
    got: list[Letter] = field(default_factory=list)

    def send(self, letter: Letter) -> Handed | Undeliverable:
        self.got.append(letter)
        answer = self.answers.pop(0) if self.answers else Handed()
        if isinstance(answer, Away):
            raise answer
        return answer


@pytest.fixture
def post() -> Memory:
    return Memory()


@pytest.fixture
def desk(shop: Shop, post: Memory) -> Desk:
    return replace(shop.desk, post=post)


@pytest.fixture
def talk(shop: Shop) -> str:
    """A customer to whom one mail is on its way; gives their conversation."""
    customer, talk = shop.customer()
    with shop.store.writing() as session:
        notice = Notice(
            key="n",
            customer_id=customer,
            sender="shop",
            kind="return_label",
            subject="伝票のお知らせ",
            body="本文",
            at=shop.clock(),
        )
        session.add(notice)
        session.flush()
        session.add(OutboxCall(key="n:mail", kind="mail", subject=str(notice.id), due_at=shop.clock(), payload={}))
    return talk


def deliveries(desk: Desk, talk: str) -> list[str]:
    return [mail.delivery for mail in notices.of_conversation(desk, talk)]


class TestTheWorker:
    def test_it_sends_what_is_due_once(self, desk: Desk, post: Memory, talk: str) -> None:
        assert deliveries(desk, talk) == ["queued"]
        for _ in range(2):
            worker.run_once(desk)
        assert [letter.subject for letter in post.got] == ["伝票のお知らせ"]
        assert deliveries(desk, talk) == ["sent"]

    def test_without_a_post_mails_wait(self, shop: Shop, talk: str) -> None:
        assert mails.send_due(shop.desk) == 0
        assert deliveries(shop.desk, talk) == ["queued"]

    def test_while_the_post_is_away_it_waits_longer_and_longer(
        self, shop: Shop, desk: Desk, post: Memory, talk: str
    ) -> None:
        post.answers = [Away("busy")] * 3
        waits = []
        for _ in range(3):
            assert mails.send_due(desk) == 1
            assert mails.send_due(desk) == 0, "not before its time"
            with shop.store.reading() as session:
                waits.append(session.query(OutboxCall).one().due_at - shop.clock())
            shop.clock.now += waits[-1]
        assert waits == [timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120)]
        assert mails.send_due(desk) == 1
        assert deliveries(desk, talk) == ["sent"]

    def test_after_five_days_it_counts_as_bounced(self, shop: Shop, desk: Desk, post: Memory, talk: str) -> None:
        post.answers = [Away("busy")] * 2
        mails.send_due(desk)
        shop.clock.move(days=5, hours=1)
        mails.send_due(desk)
        assert deliveries(desk, talk) == ["bounced"]
        shop.clock.move(days=1)
        assert mails.send_due(desk) == 0

    def test_an_address_that_is_none_bounces_at_once(self, desk: Desk, post: Memory, talk: str) -> None:
        post.answers = [Undeliverable("refused_550")]
        mails.send_due(desk)
        assert deliveries(desk, talk) == ["bounced"]

    def test_a_mail_of_a_program_that_died_is_taken_up_when_its_lease_ends(
        self, shop: Shop, desk: Desk, post: Memory, talk: str
    ) -> None:
        class Died(Exception):
            pass

        def die(_letter: Letter) -> Handed:
            raise Died

        with pytest.raises(Died):
            mails.send_due(replace(desk, post=type("Dying", (), {"send": staticmethod(die)})()))
        assert mails.send_due(desk) == 0
        shop.clock.now += mails.LEASE
        assert mails.send_due(desk) == 1
        assert deliveries(desk, talk) == ["sent"]

    def test_an_erased_customer_gets_nothing(self, desk: Desk, post: Memory, talk: str) -> None:
        privacy.erase(desk, "staff:1", "c1")
        mails.send_due(desk)
        assert post.got == []


class TestSendingAgain:
    def test_it_is_a_mail_of_its_own_and_only_the_customers_own(
        self, shop: Shop, desk: Desk, post: Memory, talk: str
    ) -> None:
        mails.send_due(desk)
        (first,) = notices.of_conversation(desk, talk)
        assert notices.resend(desk, talk, first.id) == "伝票のお知らせ"
        (again, _) = notices.of_conversation(desk, talk)
        assert (again.again, again.delivery) == (True, "queued")
        assert notices.resend(desk, talk, again.id) is not None
        _, stranger = shop.customer()
        assert notices.resend(desk, stranger, first.id) is None
        mails.send_due(desk)
        assert len({letter.key for letter in post.got}) == 3
        assert deliveries(desk, talk) == ["sent"] * 3

    def test_copies_of_copies_never_outgrow_their_keys(self, desk: Desk, talk: str) -> None:
        for _ in range(30):
            notices.resend(desk, talk, notices.of_conversation(desk, talk)[0].id)
        assert max(len(mail.subject) for mail in notices.of_conversation(desk, talk)) < 20
        assert len(notices.of_conversation(desk, talk)) == 31


class TestTheMaildir:
    def test_a_letter_lies_there_whole_once_and_for_its_owners_eyes(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "mail", SENDER)
        assert [spool.send(LETTER) for _ in range(2)] == [Handed(), Handed()]
        (file,) = (tmp_path / "mail" / "new").iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        mail = message_from_bytes(file.read_bytes(), policy=default)
        assert (mail["Subject"], mail["From"]) == (LETTER.subject, SENDER)
        (to,) = mail["To"].addresses
        assert (to.display_name, to.addr_spec) == (LETTER.name, LETTER.address)
        assert mail.get_content() == LETTER.body
        assert list((tmp_path / "mail" / "tmp").iterdir()) == []

    def test_one_that_was_read_is_not_written_again(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path, SENDER)
        spool.send(LETTER)
        (file,) = (tmp_path / "new").iterdir()
        file.rename(tmp_path / "cur" / f"{file.name}:2,S")
        assert spool.send(LETTER) == Handed()
        assert list((tmp_path / "new").iterdir()) == []

    def test_a_disk_that_is_away_is_no_end(self, tmp_path: Path) -> None:
        (tmp_path / "mail").write_text("a file where the folder should be")
        with pytest.raises(Away):
            Spool(tmp_path / "mail", SENDER).send(LETTER)

    @pytest.mark.parametrize(
        "address", ["", "no address", "a@b@c", "a\nBcc: x@example.jp", "x@example.jp, y@example.jp"]
    )
    def test_no_address_is_none(self, tmp_path: Path, address: str) -> None:
        assert Spool(tmp_path, SENDER).send(replace(LETTER, address=address)) == Undeliverable("bad_address")

    def test_a_subject_cannot_add_a_header(self, tmp_path: Path) -> None:
        Spool(tmp_path, SENDER).send(replace(LETTER, subject="件名\r\nBcc: thief@example.jp"))
        (file,) = (tmp_path / "new").iterdir()
        mail = message_from_bytes(file.read_bytes(), policy=default)
        assert mail["Bcc"] is None


class TestSmtp:
    def smtp(self, port: int, url: str = "smtp://127.0.0.1:{port}") -> Smtp:
        return Smtp(Server.at(url.format(port=port)), SENDER, timeout_s=5)

    def test_a_letter_arrives_with_the_same_id_each_time(self) -> None:
        with post_office() as post:
            assert [self.smtp(post.port).send(LETTER) for _ in range(2)] == [Handed(), Handed()]
        assert [mail["Subject"] for mail in post.got] == [LETTER.subject] * 2
        assert len({mail["Message-ID"] for mail in post.got}) == 1
        assert post.got[0].get_content().replace("\r\n", "\n") == LETTER.body

    @pytest.mark.parametrize(
        ("answers", "wanted"),
        [
            ({"RCPT": "550 no such user"}, Undeliverable("refused_550")),
            ({"END": "554 no thanks"}, Undeliverable("refused_554")),
            ({"RCPT": "451 greylisted"}, Away),
            ({"END": "452 full"}, Away),
            ({"END": "silence"}, Away),
            ({"EHLO": "421 busy", "HELO": "421 busy"}, Away),
        ],
    )
    def test_no_for_good_and_not_now_are_told_apart(self, answers: dict[str, str], wanted: object) -> None:
        with post_office(**answers) as post:
            if wanted is Away:
                with pytest.raises(Away) as away:
                    self.smtp(post.port).send(LETTER)
                assert LETTER.address not in str(away.value)
            else:
                assert self.smtp(post.port).send(LETTER) == wanted

    def test_a_password_never_goes_in_the_clear(self) -> None:
        with post_office() as post, pytest.raises(Away):
            self.smtp(post.port, "smtp://me:secret@127.0.0.1:{port}").send(LETTER)
        assert (post.logins, post.got) == (0, [])

    def test_nobody_there_is_away(self) -> None:
        with pytest.raises(Away):
            self.smtp(9).send(LETTER)

    @pytest.mark.parametrize("url", ["", "http://x", "smtp://", "mail.example.jp:25"])
    def test_an_address_that_is_none_is_told_without_its_password(self, url: str) -> None:
        with pytest.raises(ValueError, match="MADOGUCHI_SMTP_URL"):
            Server.at(url)
