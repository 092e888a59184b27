"""A hash of source files, so that Rasa retrains when the code behind a component changes."""

import hashlib
import inspect
from types import ModuleType
from typing import Any


def sources_hash(*parts: Any) -> str:
    """Return a hash over the source of modules (or of the modules that classes stand in)."""
    digest = hashlib.sha256()
    for part in parts:
        module = part if isinstance(part, ModuleType) else inspect.getmodule(part)
        digest.update(inspect.getsource(module).encode("utf-8"))
    return digest.hexdigest()
