"""The post behind one port: an SMTP server where one is set, else a Maildir on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from madoguchi.mailing.port import Away, Handed, Letter, Transport, Undeliverable
from madoguchi.mailing.smtp import Server, Smtp
from madoguchi.mailing.spool import Spool

__all__ = ["Away", "Handed", "Letter", "Server", "Smtp", "Spool", "Transport", "Undeliverable", "build_transport"]


class MailSettings(Protocol):
    """What of the settings the post looks at."""

    @property
    def smtp_url(self) -> SecretStr | None:
        """The server, if there is one."""

    @property
    def mail_from(self) -> str:
        """The address mails come from."""

    @property
    def var(self) -> Path:
        """The folder beside which the Maildir lies."""


def build_transport(settings: MailSettings) -> Transport:
    """Return the way to send mails that the settings name; ValueError where they name none that can be."""
    if settings.smtp_url is None:
        return Spool(settings.var / "mail", settings.mail_from)
    return Smtp(Server.at(settings.smtp_url.get_secret_value()), settings.mail_from)
