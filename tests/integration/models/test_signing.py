"""Model files: signed ones only, twenty hostile archives refused at both doors, nothing written outside."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from madoguchi.training import signing
from madoguchi.training.signing import Fault
from tests.conftest import ROOT
from tests.integration.models.archives import HOSTILE, OUTSIDE, archive_with

KEY = b"a key of sixteen bytes or more"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.tar.gz"
    archive_with()(path)
    assert not isinstance(signing.sign(path, KEY), Fault)
    return path


def forged(path: Path, key: bytes = KEY) -> None:
    """Sign a file as somebody would who has the key and does not look."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    signature = hmac.new(key, f"{path.name}\n{digest}".encode(), hashlib.sha256).hexdigest()
    signing.signature_of(path).write_text(signature)


def test_a_signed_file_is_used(good: Path) -> None:
    assert signing.fault_of(good, KEY) is None


def test_an_unsigned_file_is_refused(good: Path) -> None:
    signing.signature_of(good).unlink()
    assert signing.fault_of(good, KEY) is Fault.UNSIGNED


@pytest.mark.parametrize("at", [0, 10, -1])
def test_one_changed_byte_is_seen(good: Path, at: int) -> None:
    content = bytearray(good.read_bytes())
    content[at] ^= 1
    good.write_bytes(content)
    assert signing.fault_of(good, KEY) is Fault.ALTERED


def test_an_old_model_cannot_pass_for_a_newer_one(good: Path) -> None:
    newer = good.with_name("newer.tar.gz")
    shutil.copy(good, newer)
    shutil.copy(signing.signature_of(good), signing.signature_of(newer))
    assert signing.fault_of(newer, KEY) is Fault.ALTERED


def test_another_desks_signature_is_no_signature(good: Path) -> None:
    forged(good, b"the key of some other desk")
    assert signing.fault_of(good, KEY) is Fault.ALTERED


def test_a_link_is_no_model(good: Path) -> None:
    link = good.with_name("link.tar.gz")
    link.symlink_to(good)
    forged(link)
    assert signing.fault_of(link, KEY) is Fault.MISSING


def test_the_key_is_made_once_and_is_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MADOGUCHI_MODELS_SECRET", raising=False)
    path = tmp_path / "var" / "model-key"
    first = signing.read_key(path)
    assert (len(first), signing.read_key(path), path.stat().st_mode & 0o777) == (64, first, 0o600)
    monkeypatch.setenv("MADOGUCHI_MODELS_SECRET", "from the environment")
    assert signing.read_key(path) == b"from the environment"


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_never_signed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model.tar.gz"
    HOSTILE[kind](path)
    assert isinstance(signing.sign(path, KEY), Fault)
    assert not signing.signature_of(path).exists()


_LOAD_EACH = """
import json, os, sys, tempfile
from pathlib import Path
from engine import archives
archives.guard()
from rasa.engine.storage.local_model_storage import LocalModelStorage
found = {}
for path in sorted(Path(sys.argv[1]).glob("*.tar.gz")):
    target = Path(tempfile.mkdtemp(dir=sys.argv[2]))
    try:
        LocalModelStorage._extract_archive_to_directory(path, target)
        found[path.name] = "loaded"
    except Exception as error:
        found[path.name] = type(error).__name__ + " " + str(error)
print(json.dumps(found))
"""


def test_the_engine_refuses_them_all_even_with_a_signature(tmp_path: Path, good: Path) -> None:
    archives, targets = tmp_path / "archives", tmp_path / "a" / "b" / "targets"
    archives.mkdir()
    targets.mkdir(parents=True)
    for number, write in enumerate(HOSTILE.values()):
        path = archives / f"{number:02}.tar.gz"
        write(path)
        forged(path)
    for name, change in (("unsigned", None), ("altered", b"0" * 64)):
        path = archives / f"{name}.tar.gz"
        shutil.copy(good, path)
        if change:
            signing.signature_of(path).write_bytes(change)
    shutil.copy(good, archives / "whole.tar.gz")
    forged(archives / "whole.tar.gz")
    run = subprocess.run(
        ["engine/.venv/bin/python", "-W", "ignore", "-c", _LOAD_EACH, str(archives), str(targets)],
        cwd=ROOT,
        env={**os.environ, "MADOGUCHI_MODELS_SECRET": KEY.decode(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found.pop("whole.tar.gz") == "loaded"
    assert found.pop("unsigned.tar.gz") == "Refused unsigned"
    assert found.pop("altered.tar.gz") == "Refused altered"
    assert len(found) == len(HOSTILE) == 20
    assert [name for name, said in found.items() if said == "loaded"] == []
    assert list(tmp_path.rglob(OUTSIDE)) == []
    assert not Path("/tmp", OUTSIDE).exists()
