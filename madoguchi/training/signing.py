"""Model files are signed where they are made, and nothing else is ever loaded.

Beside `NAME.tar.gz` lies `NAME.tar.gz.signature`, the hex of HMAC-SHA256 over "{NAME.tar.gz}\\n{SHA-256 of the file}".
The name is part of it, so that an old model cannot pass for a newer one. `engine/archives.py` checks the same before
it unpacks; the two programs share the key and no code.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tarfile
from enum import StrEnum
from pathlib import Path, PurePosixPath

from madoguchi.bootstrap import made_once

MOST_MEMBERS = 5000
LARGEST_FILE = 512 * 1024 * 1024
LARGEST_CONTENT = 2 * 1024 * 1024 * 1024
SUFFIX = ".tar.gz"


class Fault(StrEnum):
    """Why a model file is not used."""

    MISSING = "missing"
    UNSIGNED = "unsigned"
    ALTERED = "altered"
    UNSAFE = "unsafe"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"


def read_key(path: Path) -> bytes:
    """Return the key of the models, made once where there is none; MADOGUCHI_MODELS_SECRET takes precedence."""
    given = os.environ.get("MADOGUCHI_MODELS_SECRET")
    if given:
        return given.encode()
    return made_once(path.parent, path.name, lambda: secrets.token_hex(32)).encode()


def sign(archive: Path, key: bytes) -> Path | Fault:
    """Sign a model file that is safe to unpack, and return the signature's file."""
    fault = archive_fault(archive)
    if fault is not None:
        return fault
    path = signature_of(archive)
    half = path.with_name(f"{path.name}.{os.getpid()}")
    half.write_text(_signature(archive, key) + "\n", encoding="ascii")
    half.replace(path)
    return path


def fault_of(archive: Path, key: bytes) -> Fault | None:
    """Return why a model file must not be used; None where it is as it was signed."""
    if archive.is_symlink() or not archive.is_file():
        return Fault.MISSING
    if archive.stat().st_size > LARGEST_FILE:
        return Fault.TOO_LARGE
    try:
        given = signature_of(archive).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return Fault.UNSIGNED
    if not hmac.compare_digest(_signature(archive, key), given):
        return Fault.ALTERED
    return None


def archive_fault(archive: Path) -> Fault | None:
    """Return why an archive is not a model that unpacks into its own folder and nowhere else."""
    if archive.is_symlink() or not archive.is_file():
        return Fault.MISSING
    if archive.stat().st_size > LARGEST_FILE:
        return Fault.TOO_LARGE
    try:
        with tarfile.open(archive, "r:gz") as opened:
            return _members_fault(opened)
    except (tarfile.TarError, OSError, EOFError, ValueError):
        return Fault.DAMAGED


def signature_of(archive: Path) -> Path:
    """Return where the signature of a model file lies."""
    return archive.with_name(f"{archive.name}.signature")


def _members_fault(opened: tarfile.TarFile) -> Fault | None:
    total, names = 0, set[str]()
    for member in opened:
        path, total = PurePosixPath(member.name), total + member.size
        if len(names) >= MOST_MEMBERS or total > LARGEST_CONTENT:
            return Fault.TOO_LARGE
        if not (member.isfile() or member.isdir()) or path.is_absolute() or ".." in path.parts:
            return Fault.UNSAFE
        if "\\" in member.name or "\0" in member.name or member.name in names:
            return Fault.UNSAFE
        names.add(member.name)
    return None if "metadata.json" in names else Fault.DAMAGED


def _signature(archive: Path, key: bytes) -> str:
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return hmac.new(key, f"{archive.name}\n{digest}".encode(), hashlib.sha256).hexdigest()
