"""What all tests share: one running stack for those that need one, and no silent skips where none are allowed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.running import Stack, desk_in

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start the desk once for all tests that need it, as `make run` does."""
    with desk_in(tmp_path_factory.mktemp("var")) as stack:
        yield stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let two workers share the tests file by file, with everything that needs the running stack in one of them."""
    for item in items:
        needs_stack = "stack" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("stack" if needs_stack else item.nodeid.partition("::")[0]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Where MADOGUCHI_STRICT is set, a skipped proof is a failed one."""
    report = yield
    if os.environ.get("MADOGUCHI_STRICT") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is not allowed here: {report.longrepr}"
    return report
