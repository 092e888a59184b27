"""`make` on a bare machine: a missing Python is one clear sentence, and every command is listed in a line."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.conftest import ROOT


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder that holds nothing but the Makefile."""
    shutil.copy(ROOT / "Makefile", folder)
    return subprocess.run(
        ["make", "--no-print-directory", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_missing_python_is_one_sentence(tmp_path: Path) -> None:
    result = make(tmp_path, ".tools/bin/uv", "PYTHON3=no-such-python")
    assert result.returncode != 0
    assert "Madoguchi needs python3 (3.9 or newer): please install it." in result.stderr
    assert "Traceback" not in result.stderr


def test_a_python_that_is_too_old_is_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python3-of-old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    result = make(tmp_path, ".tools/bin/uv", f"PYTHON3={old}")
    assert result.returncode != 0
    assert "Madoguchi needs python3 (3.9 or newer): please install it." in result.stderr
    assert not (tmp_path / ".tools").exists()


def test_every_command_is_listed_with_what_it_does(tmp_path: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    listed = make(tmp_path, "help").stdout
    assert {line.split()[1] for line in listed.splitlines()} == set(targets)
