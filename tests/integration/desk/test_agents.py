"""The staff's accounts: signing in, lock-out, codes, and sessions that end."""

from __future__ import annotations

import pyotp
import pytest
from sqlalchemy import select

from madoguchi.services import agents
from madoguchi.services.agents import May, Person, Refused, Role, SignedIn
from madoguchi.store import AuditRow, Staff, StaffSession
from tests.integration.desk.builders import PASSWORD, World

NEW = "another honest password"


def sign_in(world: World, login: str = "sato", password: str = PASSWORD, code: str = "") -> SignedIn:
    """Sign in, which must be possible."""
    opened = agents.sign_in(world.desk, login, password, code)
    assert isinstance(opened, SignedIn), opened
    return opened


def test_the_right_password_opens_a_session_whose_secret_is_not_stored(world: World) -> None:
    opened = sign_in(world)
    assert agents.person_of(world.desk, opened.secret) == world.person("sato")
    with world.desk.store.reading() as session:
        assert opened.secret not in session.scalars(select(StaffSession.secret_hash)).all()
        hashed = session.scalars(select(Staff.password_hash)).all()
    assert all(each.startswith("$argon2id$") for each in hashed)


@pytest.mark.parametrize(("login", "password"), [("sato", "wrong"), ("nobody", PASSWORD), ("", ""), ("sato", "")])
def test_whatever_is_wrong_gets_the_same_answer(world: World, login: str, password: str) -> None:
    assert agents.sign_in(world.desk, login, password) is Refused.WRONG


def test_five_failures_lock_the_account_even_for_the_right_password(world: World) -> None:
    for _ in range(agents.FAILURES_ALLOWED):
        assert agents.sign_in(world.desk, "sato", "wrong") is Refused.WRONG
    assert agents.sign_in(world.desk, "sato", PASSWORD) is Refused.LOCKED
    world.clock.forward(minutes=14)
    assert agents.sign_in(world.desk, "sato", PASSWORD) is Refused.LOCKED
    world.clock.forward(minutes=2)
    sign_in(world)


def test_a_success_forgets_the_failures_before_it(world: World) -> None:
    for _ in range(3):
        for _ in range(agents.FAILURES_ALLOWED - 1):
            agents.sign_in(world.desk, "sato", "wrong")
        sign_in(world)


def test_a_changed_password_ends_every_session_but_the_new_one(world: World) -> None:
    here, there = sign_in(world), sign_in(world)
    changed = agents.change_password(world.desk, here.person, PASSWORD, NEW)
    assert isinstance(changed, SignedIn)
    assert agents.person_of(world.desk, here.secret) is None
    assert agents.person_of(world.desk, there.secret) is None
    assert agents.person_of(world.desk, changed.secret) is not None
    assert agents.sign_in(world.desk, "sato", PASSWORD) is Refused.WRONG
    sign_in(world, password=NEW)


def test_a_password_needs_the_old_one_and_some_length(world: World) -> None:
    sato = world.person("sato")
    assert agents.change_password(world.desk, sato, "wrong", NEW) is Refused.WRONG
    assert agents.change_password(world.desk, sato, PASSWORD, "too short") is Refused.SHORT
    assert agents.change_password(world.desk, sato, PASSWORD, "my name is Sato!") is Refused.LIKE_LOGIN


@pytest.mark.parametrize(("hours", "alive"), [(1.9, True), (2.1, False)])
def test_a_session_that_lies_idle_ends(world: World, hours: float, alive: bool) -> None:
    secret = sign_in(world).secret
    world.clock.forward(hours=hours)
    assert (agents.person_of(world.desk, secret) is not None) is alive


def test_a_session_in_use_ends_after_twelve_hours_all_the_same(world: World) -> None:
    secret = sign_in(world).secret
    for _ in range(11):
        world.clock.forward(hours=1)
        assert agents.person_of(world.desk, secret) is not None
    world.clock.forward(hours=1)
    assert agents.person_of(world.desk, secret) is None


def test_signing_out_ends_one_session(world: World) -> None:
    here, there = sign_in(world), sign_in(world)
    agents.sign_out(world.desk, here.person, here.secret)
    assert agents.person_of(world.desk, here.secret) is None
    assert agents.person_of(world.desk, there.secret) is not None


def with_codes(world: World) -> pyotp.TOTP:
    """Set codes up for Sato."""
    secret = agents.new_code_secret()
    totp = pyotp.TOTP(secret)
    assert agents.set_code(world.desk, world.person("sato"), secret, totp.at(world.clock())) is None
    world.clock.forward(minutes=1)
    return totp


def test_with_codes_set_up_a_password_alone_is_not_enough(world: World) -> None:
    totp = with_codes(world)
    assert agents.sign_in(world.desk, "sato", PASSWORD) is Refused.WRONG
    assert agents.sign_in(world.desk, "sato", PASSWORD, "000000") is Refused.WRONG
    sign_in(world, code=totp.at(world.clock()))


def test_a_code_is_good_once(world: World) -> None:
    code = with_codes(world).at(world.clock())
    sign_in(world, code=code)
    assert agents.sign_in(world.desk, "sato", PASSWORD, code) is Refused.WRONG


def test_codes_are_not_asked_for_until_one_was_right(world: World) -> None:
    secret = agents.new_code_secret()
    wrong = "000000" if pyotp.TOTP(secret).at(world.clock()) != "000000" else "111111"
    assert agents.set_code(world.desk, world.person("sato"), secret, wrong) is Refused.CODE_WRONG
    sign_in(world)


def test_a_closed_account_is_out_at_once(world: World) -> None:
    secret = sign_in(world).secret
    agents.change_account(world.desk, "staff:6", world.person("sato").id, role=Role.AGENT, active=False)
    assert agents.person_of(world.desk, secret) is None
    assert agents.sign_in(world.desk, "sato", PASSWORD) is Refused.WRONG


def test_the_last_admin_stays_one(world: World) -> None:
    kato = world.person("kato").id
    for role, active in ((Role.LEAD, True), (Role.ADMIN, False)):
        assert agents.change_account(world.desk, "staff:6", kato, role=role, active=active) is Refused.LAST_ADMIN


def test_a_given_password_must_be_changed(world: World) -> None:
    added = agents.add(world.desk, "staff:6", "New.One", "新人", Role.AGENT, NEW)
    assert isinstance(added, Person)
    assert sign_in(world, "new.one", NEW).person.must_change
    assert agents.add(world.desk, "staff:6", "new.one", "同名", Role.AGENT, NEW) is Refused.TAKEN


def test_every_act_on_accounts_is_audited(world: World) -> None:
    opened = sign_in(world)
    agents.change_password(world.desk, opened.person, PASSWORD, NEW)
    agents.reset_password(world.desk, "staff:6", opened.person.id, PASSWORD)
    with world.desk.store.reading() as session:
        actions = session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all()
    assert actions == ["signed_in", "password_changed", "password_reset"]


def test_trainers_see_and_mark_and_teach_and_do_nothing_else() -> None:
    assert agents.PERMISSIONS[Role.TRAINER] == {May.LOOK, May.MARK, May.TEACH}
    assert not agents.PERMISSIONS[Role.LEAD] & {May.ADMINISTER}
