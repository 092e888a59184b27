"""The staff's accounts: who may do what, signing in and out, passwords, one-time codes, and the lock-out.

Passwords are kept as argon2id, session secrets as SHA-256. An unknown name, a wrong password and a wrong code get
the same answer after the same work. Every change is audited in its own transaction.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from madoguchi.services import audit
from madoguchi.services.desk import Desk
from madoguchi.store import Staff, StaffSession

SESSION = timedelta(hours=12)
IDLE = timedelta(hours=2)
SEEN_EVERY = timedelta(minutes=1)
FAILURES_ALLOWED = 5
LOCKED = timedelta(minutes=15)
SHORTEST_PASSWORD = 12
CODE_STEP_S = 30
ISSUER = "Madoguchi"
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,59}")


class Role(StrEnum):
    """What a member of the staff is there for."""

    AGENT = "agent"
    LEAD = "lead"
    TRAINER = "trainer"
    ADMIN = "admin"


class May(StrEnum):
    """One thing that a role may do."""

    LOOK = "look"  # lists and conversations, personal data masked
    MARK = "mark"  # say that a message was understood wrongly
    HANDLE = "handle"  # take over, answer, note, close
    ACT = "act"  # everything that changes orders and money
    REVEAL = "reveal"  # personal data, each time audited
    MANAGE = "manage"  # other people's conversations, canned replies
    APPROVE = "approve"  # what another person may not decide alone
    EXPORT = "export"  # figures as files
    ADMINISTER = "administer"  # accounts, audit, a customer's data
    TEACH = "teach"  # examples, lessons, models


_AGENT = frozenset({May.LOOK, May.MARK, May.HANDLE, May.ACT, May.REVEAL})
_LEAD = _AGENT | {May.MANAGE, May.APPROVE, May.EXPORT}
PERMISSIONS: dict[Role, frozenset[May]] = {
    Role.AGENT: _AGENT,
    Role.LEAD: _LEAD,
    Role.TRAINER: frozenset({May.LOOK, May.MARK, May.TEACH}),
    Role.ADMIN: _LEAD | {May.ADMINISTER, May.TEACH},
}


@dataclass(frozen=True)
class Person:
    """A member of the staff who is signed in."""

    id: int
    login: str
    name: str
    role: Role
    must_change: bool = False
    has_code: bool = False

    def may(self, what: May) -> bool:
        """Whether the role allows it."""
        return what in PERMISSIONS[self.role]

    @property
    def actor(self) -> str:
        """How the audit names this person."""
        return f"staff:{self.id}"


@dataclass(frozen=True)
class SignedIn:
    """A session to use from now on; `secret` goes into the cookie and is stored nowhere."""

    secret: str
    person: Person


class Refused(StrEnum):
    """Why an account or a session was not given or changed."""

    WRONG = "wrong"
    LOCKED = "locked"
    TAKEN = "taken"
    SHORT = "short"
    LIKE_LOGIN = "like_login"
    BAD_LOGIN = "bad_login"
    NO_NAME = "no_name"
    LAST_ADMIN = "last_admin"
    CODE_WRONG = "code_wrong"


def add(desk: Desk, actor: str, login: str, name: str, role: Role, password: str) -> Person | Refused:
    """Add an account; its password is to be changed at the first sign-in."""
    login, name = login.strip().lower(), name.strip()
    refused = _unfit_account(login, name) or _unfit_password(login, password)
    if refused is not None:
        return refused
    hashed = _hasher().hash(password)
    with desk.store.writing() as session:
        if session.scalar(select(Staff.id).where(Staff.login == login)) is not None:
            return Refused.TAKEN
        staff = Staff(login=login, name=name, role=role.value, password_hash=hashed, created_at=desk.clock())
        session.add(staff)
        session.flush()
        audit.note(session, desk.clock(), actor, "account_added", f"staff:{staff.id}", {"role": role.value})
        return _person(staff)


def sign_in(desk: Desk, login: str, password: str, code: str = "") -> SignedIn | Refused:
    """Open a session for the right password and, where one is set up, the right code."""
    now = desk.clock()
    with desk.store.reading() as session:
        staff = session.scalar(select(Staff).where(Staff.login == login.strip().lower()))
    if staff is None or not staff.active:
        _verifies(_nobody(), password)
        return Refused.WRONG
    right = _verifies(staff.password_hash, password)
    with desk.store.writing() as session:
        staff = session.get_one(Staff, staff.id, with_for_update=True)
        if staff.locked_until is not None and staff.locked_until > now:
            return Refused.LOCKED
        step = _step_of(staff.totp_secret, staff.totp_used, code, now) if staff.totp_secret else 0
        if not right or step is None:
            return _failed(session, staff, now)
        staff.failures, staff.locked_until = 0, None
        staff.totp_used = step or staff.totp_used
        secret = _open(session, staff, now)
        audit.note(session, now, f"staff:{staff.id}", "signed_in", f"staff:{staff.id}")
        return SignedIn(secret, _person(staff))


def person_of(desk: Desk, secret: str | None) -> Person | None:
    """Return who is signed in with this secret; None where the session ended, ran out or lay idle."""
    if not secret:
        return None
    now = desk.clock()
    with desk.store.reading() as session:
        row = session.get(StaffSession, _hash(secret))
        if row is None or row.ended_at is not None or row.expires_at <= now or row.seen_at + IDLE <= now:
            return None
        if not row.staff.active:
            return None
        person, seen_at = _person(row.staff), row.seen_at
    if seen_at + SEEN_EVERY <= now:
        with desk.store.writing() as session:
            session.execute(update(StaffSession).where(StaffSession.secret_hash == _hash(secret)).values(seen_at=now))
    return person


def sign_out(desk: Desk, person: Person, secret: str) -> None:
    """End this one session."""
    with desk.store.writing() as session:
        row = session.get(StaffSession, _hash(secret))
        if row is not None and row.staff_id == person.id and row.ended_at is None:
            row.ended_at = desk.clock()
            audit.note(session, desk.clock(), person.actor, "signed_out", f"staff:{person.id}")


def change_password(desk: Desk, person: Person, old: str, new: str) -> SignedIn | Refused:
    """Change one's own password; every session ends and a new one begins."""
    refused = _unfit_password(person.login, new)
    if refused is not None:
        return refused
    with desk.store.reading() as session:
        known = session.get_one(Staff, person.id).password_hash
    right, hashed, now = _verifies(known, old), _hasher().hash(new), desk.clock()
    with desk.store.writing() as session:
        staff = session.get_one(Staff, person.id, with_for_update=True)
        if staff.locked_until is not None and staff.locked_until > now:
            return Refused.LOCKED
        if not right or staff.password_hash != known:
            return _failed(session, staff, now)
        staff.password_hash, staff.must_change = hashed, False
        staff.failures = 0
        _end_sessions(session, staff.id, now)
        secret = _open(session, staff, now)
        audit.note(session, now, person.actor, "password_changed", f"staff:{staff.id}")
        return SignedIn(secret, _person(staff))


def reset_password(desk: Desk, actor: str, staff_id: int, password: str) -> Refused | None:
    """Give somebody a new password that they must change; their sessions end, a lock is lifted."""
    with desk.store.reading() as session:
        login = session.get_one(Staff, staff_id).login
    refused = _unfit_password(login, password)
    if refused is not None:
        return refused
    hashed, now = _hasher().hash(password), desk.clock()
    with desk.store.writing() as session:
        staff = session.get_one(Staff, staff_id, with_for_update=True)
        staff.password_hash, staff.must_change, staff.failures, staff.locked_until = hashed, True, 0, None
        staff.totp_secret = None
        _end_sessions(session, staff_id, now)
        audit.note(session, now, actor, "password_reset", f"staff:{staff_id}")
    return None


def change_account(desk: Desk, actor: str, staff_id: int, *, role: Role, active: bool) -> Refused | None:
    """Change what somebody may do, or close and open their account; the last admin stays one."""
    now = desk.clock()
    with desk.store.writing() as session:
        staff = session.get_one(Staff, staff_id, with_for_update=True)
        loses = staff.role == Role.ADMIN and staff.active and not (role is Role.ADMIN and active)
        if loses and _admins(session) == 1:
            return Refused.LAST_ADMIN
        staff.role, staff.active = role.value, active
        if not active:
            _end_sessions(session, staff_id, now)
        detail = {"role": role.value, "active": active}
        audit.note(session, now, actor, "account_changed", f"staff:{staff_id}", detail)
    return None


def new_code_secret() -> str:
    """Return a fresh secret for one-time codes; nothing is stored until a code made from it is confirmed."""
    return pyotp.random_base32()


def code_address(person: Person, secret: str) -> str:
    """Return the otpauth: address that an authenticator app reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=person.login, issuer_name=ISSUER)


def set_code(desk: Desk, person: Person, secret: str, code: str) -> Refused | None:
    """Ask for one-time codes from now on, once the person has shown that their app makes them."""
    now = desk.clock()
    step = _step_of(secret, 0, code, now)
    if step is None:
        return Refused.CODE_WRONG
    with desk.store.writing() as session:
        staff = session.get_one(Staff, person.id, with_for_update=True)
        staff.totp_secret, staff.totp_used = secret, step
        audit.note(session, now, person.actor, "code_set", f"staff:{person.id}")
    return None


def everybody(desk: Desk) -> Sequence[Staff]:
    """Return every account, the active ones first."""
    with desk.store.reading() as session:
        return session.scalars(select(Staff).order_by(Staff.active.desc(), Staff.login)).all()


def has_admin(desk: Desk) -> bool:
    """Whether there is anybody who can add accounts."""
    with desk.store.reading() as session:
        return _admins(session) > 0


def _admins(session: Session) -> int:
    return session.scalar(select(func.count()).where(Staff.role == Role.ADMIN.value, Staff.active)) or 0


def _unfit_account(login: str, name: str) -> Refused | None:
    if not _LOGIN.fullmatch(login):
        return Refused.BAD_LOGIN
    return None if 1 <= len(name) <= 60 else Refused.NO_NAME


def _unfit_password(login: str, password: str) -> Refused | None:
    if not SHORTEST_PASSWORD <= len(password) <= 200:
        return Refused.SHORT
    return Refused.LIKE_LOGIN if login in password.lower() else None


def _failed(session: Session, staff: Staff, now: datetime) -> Refused:
    staff.failures += 1
    if staff.failures >= FAILURES_ALLOWED:
        staff.failures, staff.locked_until = 0, now + LOCKED
        audit.note(session, now, "outside:desk", "account_locked", f"staff:{staff.id}")
    return Refused.WRONG


def _open(session: Session, staff: Staff, now: datetime) -> str:
    secret = secrets.token_urlsafe(32)
    session.add(
        StaffSession(secret_hash=_hash(secret), staff_id=staff.id, opened_at=now, seen_at=now, expires_at=now + SESSION)
    )
    return secret


def _end_sessions(session: Session, staff_id: int, now: datetime) -> None:
    running = (StaffSession.staff_id == staff_id) & StaffSession.ended_at.is_(None)
    session.execute(update(StaffSession).where(running).values(ended_at=now))


def _step_of(secret: str, used: int, code: str, now: datetime) -> int | None:
    """Return the time step that the code belongs to, one before or after now allowed, none twice."""
    code, totp = code.strip().replace(" ", ""), pyotp.TOTP(secret)
    here = int(now.timestamp()) // CODE_STEP_S
    for step in (here - 1, here, here + 1):
        if step > used and secrets.compare_digest(totp.at(step * CODE_STEP_S).encode(), code.encode()):
            return step
    return None


def _verifies(hashed: str, password: str) -> bool:
    try:
        return _hasher().verify(hashed, password)
    except VerificationError:
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_hex(16))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _person(staff: Staff) -> Person:
    return Person(staff.id, staff.login, staff.name, Role(staff.role), staff.must_change, staff.totp_secret is not None)
