"""Fixtures of the stateful tests; the shop and the databases are those of the proofs of money."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "integration" / "money"))
