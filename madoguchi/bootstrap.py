"""Wiring: settings from the environment, and from them the desk with its store, terms and processor."""

from __future__ import annotations

import gc
import hashlib
import hmac
import logging
import os
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from cryptography.fernet import Fernet
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from ruamel.yaml import YAML
from sqlalchemy import URL

from madoguchi.mailing import build_transport
from madoguchi.payments import build_processor
from madoguchi.policy.terms_file import load_terms
from madoguchi.services import audit, masking
from madoguchi.services.desk import Desk
from madoguchi.services.housekeeping import Household
from madoguchi.services.sealing import Seal
from madoguchi.store import Store


class Settings(BaseSettings):
    """Everything that can be set, each by the environment variable MADOGUCHI_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_", extra="ignore")

    database_url: str = Field("sqlite:///var/madoguchi.db", description="The order store: SQLite or PostgreSQL")
    terms: Path = Field(Path("data/policies/shop.yml"), description="The shop's terms")
    examples: Path = Field(Path("data/nlu"), description="The training examples, a file an intent")
    var: Path = Field(Path("var"), description="Where databases, logs and the secret are kept")
    host: str = Field("127.0.0.1", description="The interface that everything listens on")
    web_port: int = Field(8000, description="The port of the web program")
    engine_port: int = Field(5005, description="The port of the engine")
    actions_port: int = Field(5055, description="The port of the custom actions")
    public_url: str | None = Field(None, description="The address customers see; by default the web program's")
    shop_origins: list[str] = Field([], description="Origins of the shop's pages that may embed the window (JSON)")
    trusted_proxies: str | None = Field(
        None, description="Addresses of the proxies whose X-Forwarded-For is believed, with commas; nobody's by default"
    )
    processor: str = Field("builtin", description="The card processor: builtin or stripe")
    stripe_api_key: SecretStr | None = Field(None, description="The key of the stripe processor")
    stripe_api_base: str | None = Field(None, description="Another address of the stripe API, for tests")
    stripe_webhook_secret: SecretStr | None = Field(None, description="What stripe signs its webhooks with")
    secret: SecretStr | None = Field(None, description="The root of all secrets; by default made once in var/secret")
    idle_days: int = Field(30, ge=1, description="After so many silent days the bot's conversations are closed")
    kept_days: int = Field(730, ge=1, description="So many days the words of closed conversations are kept")
    models: Path = Field(Path("models"), description="Where the trained models lie")
    model_key: Path = Field(Path("var/model-key"), description="The key that signs models; made once")
    smtp_url: SecretStr | None = Field(None, description="smtp[s]://user:password@host:port; without it var/mail")
    mail_from: str = Field("madoguchi@localhost", description="The address the desk's mails come from")
    bank_keys: SecretStr | None = Field(
        None, description="Fernet keys for bank accounts, newest first, by commas; by default made once in var/"
    )
    demo: bool = Field(True, description="Whether the demo shop's pages are shown")

    @property
    def web_url(self) -> str:
        """The address of the web program."""
        return self.public_url or f"http://{self.host}:{self.web_port}"

    @property
    def engine_url(self) -> str:
        """The address of the engine."""
        return f"http://{self.host}:{self.engine_port}"

    @property
    def actions_url(self) -> str:
        """The address of the custom actions."""
        return f"http://{self.host}:{self.actions_port}"

    def secret_for(self, purpose: str) -> str:
        """Return the secret for one purpose (engine, actions, shop_token, webhooks ...), as 64 hex digits.

        An environment variable MADOGUCHI_<PURPOSE>_SECRET takes precedence over the derived one.
        """
        given = os.environ.get(f"MADOGUCHI_{purpose.upper()}_SECRET")
        if given:
            return given
        root = self.secret.get_secret_value() if self.secret else _root_secret(self.var)
        return hmac.new(root.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def build_desk(settings: Settings) -> Desk:
    """Return the desk these settings describe; the database is not touched yet."""
    store = Store(settings.database_url)
    return Desk(
        store=store,
        terms=load_terms(settings.terms),
        processor=build_processor(settings, store),
        post=build_transport(settings),
        seal=Seal(_bank_keys(settings)),
    )


def configure_log() -> None:
    """Log one JSON object a line to the standard output, with personal data hidden."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            masking.log_line,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


def loaded() -> None:
    """Say that a program has loaded what it keeps to its end: no garbage collection looks at it again.

    The pauses of looking through all modules and mappings are a third of the slowest turns' time.
    """
    gc.collect()
    gc.freeze()


def _bank_keys(settings: Settings) -> list[str]:
    given = settings.bank_keys.get_secret_value() if settings.bank_keys else None
    return (given or made_once(settings.var, "bank-keys", lambda: Fernet.generate_key().decode())).split(",")


def build_household(settings: Settings) -> Household:
    """Return what the worker's daily work needs to know."""
    return Household(
        tracker_url=partial(tracker_url, settings),
        anchors=settings.var / audit.ANCHORS,
        idle_for=timedelta(days=settings.idle_days),
        kept_for=timedelta(days=settings.kept_days),
    )


def tracker_url(settings: Settings) -> str | None:
    """Return the engine's own database, as its endpoints name it; None where it keeps nothing or has none yet."""
    written = settings.var / "endpoints.yml"  # what `run` gave to the engine; without it, what an engine by hand reads
    path = written if written.exists() else Path("endpoints.yml")
    named = YAML(typ="safe").load(path) if path.exists() else None
    kept = {name: _expanded(value) for name, value in ((named or {}).get("tracker_store") or {}).items()}
    if "dialect" not in kept:
        return None
    if kept.get("dialect", "sqlite") == "sqlite":
        file = Path(str(kept.get("db", "rasa.db")))
        return f"sqlite:///{file}" if file.exists() else None
    address = URL.create(
        str(kept["dialect"]),
        kept.get("username"),
        kept.get("password"),
        kept.get("url"),
        int(kept["port"]) if kept.get("port") else None,
        kept.get("db"),
    )
    return address.render_as_string(hide_password=False)


def _expanded(value: Any) -> Any:
    return os.path.expandvars(value) if isinstance(value, str) else value


def _root_secret(folder: Path) -> str:
    return made_once(folder, "secret", lambda: secrets.token_hex(32))


def made_once(folder: Path, name: str, make: Callable[[], str]) -> str:
    """Return what a file for its owner's eyes holds; the first program that asks makes it."""
    path = folder / name
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / f"{name}.{os.getpid()}"
        made.touch(mode=0o600)
        made.write_text(make())
        try:
            os.link(made, path)  # the first program wins; the others read what it wrote
        except FileExistsError:
            pass
        finally:
            made.unlink()
        return path.read_text().strip()
