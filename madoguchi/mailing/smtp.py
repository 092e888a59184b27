"""Mails to an SMTP server: encrypted where the server can, always where a password is sent."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from madoguchi.mailing.port import Away, Handed, Letter, Undeliverable
from madoguchi.mailing.writing import message_of

TIMEOUT_S = 20
PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class Server:
    """Where mails are handed in: smtp:// begins in the clear and is encrypted by STARTTLS, smtps:// from the start."""

    scheme: str
    host: str
    port: int
    user: str
    password: str

    @classmethod
    def at(cls, url: str) -> Server:
        """Read smtp[s]://user:password@host:port. Raises ValueError, which does not tell the password."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("MADOGUCHI_SMTP_URL must look like smtp://user:password@host:587 or smtps://…")
        port = parts.port or PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""))


class Smtp:
    """A way to send mails by one SMTP server; each mail has its own connection, as they are few."""

    def __init__(self, server: Server, sender: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """Take the server and the address mails come from."""
        self._server = server
        self._sender = sender
        self._timeout_s = timeout_s

    def send(self, letter: Letter) -> Handed | Undeliverable:
        """Hand a mail on. Raises Away.

        A reply that was lost after the server took the mail counts as away: the mail is sent again under the same
        Message-ID, for a mail twice is better than none.
        """
        mail = message_of(letter, self._sender)
        if mail is None:
            return Undeliverable("bad_address")
        try:
            with self._connect() as connection:
                connection.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            return self._refused(code)
        except smtplib.SMTPNotSupportedError:
            return Undeliverable("address_not_supported")
        except smtplib.SMTPDataError as error:
            return self._refused(error.smtp_code)
        except (smtplib.SMTPException, OSError) as error:
            raise Away(type(error).__name__) from error
        return Handed()

    def _refused(self, code: int) -> Undeliverable:
        """Return a refusal for good. Raises Away for one that may pass (4xx)."""
        if 400 <= code < 500:
            raise Away(f"answered {code}")
        return Undeliverable(f"refused_{code}")

    def _connect(self) -> smtplib.SMTP:
        server, context = self._server, ssl.create_default_context()
        if server.scheme == "smtps":
            secure = smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout_s, context=context)
            return self._log_in(secure, encrypted=True)
        connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout_s)
        try:
            connection.ehlo_or_helo_if_needed()
            encrypted = connection.has_extn("starttls")
            if encrypted:
                connection.starttls(context=context)
        except (smtplib.SMTPException, OSError):
            connection.close()
            raise
        return self._log_in(connection, encrypted=encrypted)

    def _log_in(self, connection: smtplib.SMTP, *, encrypted: bool) -> smtplib.SMTP:
        """Give name and password where there are any; never in the clear."""
        if not self._server.user:
            return connection
        try:
            if not encrypted:
                raise smtplib.SMTPException("the server offers no encryption for the password")
            connection.login(self._server.user, self._server.password)
        except (smtplib.SMTPException, OSError):
            connection.close()
            raise
        return connection
