"""Wiring: settings from the environment, and from them the desk with its store, terms and processor."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from madoguchi.payments import build_processor
from madoguchi.policy.terms_file import load_terms
from madoguchi.services.desk import Desk
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
    processor: str = Field("builtin", description="The card processor: builtin or stripe")
    stripe_api_key: SecretStr | None = Field(None, description="The key of the stripe processor")
    stripe_api_base: str | None = Field(None, description="Another address of the stripe API, for tests")
    stripe_webhook_secret: SecretStr | None = Field(None, description="What stripe signs its webhooks with")
    secret: SecretStr | None = Field(None, description="The root of all secrets; by default made once in var/secret")
    models: Path = Field(Path("models"), description="Where the trained models lie")
    model_key: Path = Field(Path("var/model-key"), description="The key that signs models; made once")
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
    return Desk(store=store, terms=load_terms(settings.terms), processor=build_processor(settings, store))


def _root_secret(folder: Path) -> str:
    path = folder / "secret"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        made = folder / f"secret.{os.getpid()}"
        made.touch(mode=0o600)
        made.write_text(secrets.token_hex(32))
        try:
            os.link(made, path)  # the first program wins; the others read what it wrote
        except FileExistsError:
            pass
        finally:
            made.unlink()
        return path.read_text().strip()
