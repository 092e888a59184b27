"""The door every model file comes through: only what this desk has signed, and only what unpacks into its own folder.

Beside `NAME.tar.gz` lies `NAME.tar.gz.signature`: the hex of HMAC-SHA256 over "{NAME.tar.gz}\\n{SHA-256 of the file}"
under the key of the models. The key is MADOGUCHI_MODELS_SECRET, or lies in the file that MADOGUCHI_MODEL_KEY names
(default var/model-key); without a key nothing is loaded. A file is read once: what was verified is what is unpacked.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any, Optional, Union

from rasa.engine.storage.local_model_storage import LocalModelStorage

KEY_FILE = Path("var/model-key")
LARGEST_FILE = 512 * 1024 * 1024
LARGEST_CONTENT = 2 * 1024 * 1024 * 1024
MOST_MEMBERS = 5000


class Refused(Exception):
    """A model file that is not loaded; its text is a code: no_key, unsigned, altered, unsafe or too_large."""


def guard() -> None:
    """Let Rasa unpack verified files only, wherever it loads a model from; a second call changes nothing."""
    LocalModelStorage._extract_archive_to_directory = staticmethod(_extract)


def verified(archive: Path) -> bytes:
    """Return the content of a signed file; raises Refused or OSError."""
    if archive.stat().st_size > LARGEST_FILE:
        raise Refused("too_large")
    content = archive.read_bytes()
    try:
        given = archive.with_name(f"{archive.name}.signature").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise Refused("unsigned") from None
    if not hmac.compare_digest(signature(archive.name, content), given):
        raise Refused("altered")
    return content


def unsafe_member(archive: tarfile.TarFile) -> Optional[str]:
    """Return the name of the first member that must not be unpacked; None where all may."""
    total = 0
    for count, member in enumerate(archive, start=1):
        path, total = PurePosixPath(member.name), total + member.size
        plain = member.isfile() or member.isdir()
        if not plain or path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
            return member.name
        if count > MOST_MEMBERS or total > LARGEST_CONTENT:
            return member.name
    return None


def signature(name: str, content: bytes) -> str:
    """Return what is written beside a model file of this name and content; raises Refused without a key."""
    message = f"{name}\n{hashlib.sha256(content).hexdigest()}".encode()
    return hmac.new(_key(os.environ), message, hashlib.sha256).hexdigest()


def _extract(model_archive_path: Union[str, Path], temporary_directory: Union[str, Path]) -> None:
    content = verified(Path(model_archive_path))
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        if unsafe_member(archive) is not None:
            raise Refused("unsafe")
        archive.extractall(temporary_directory, filter="data")
    LocalModelStorage._assert_not_rasa2_archive(temporary_directory)


def _key(environment: Any) -> bytes:
    given = environment.get("MADOGUCHI_MODELS_SECRET")
    if not given:
        try:
            given = Path(environment.get("MADOGUCHI_MODEL_KEY") or KEY_FILE).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            given = ""
    if len(given) < 16:
        raise Refused("no_key")
    return str(given).encode()
