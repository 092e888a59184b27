"""Rasa's own commands without the warnings that mean nothing here: `python -m engine.quiet data validate`.

Rasa warns of every reply that no rule names. Here the custom actions choose the replies, hundreds of them, so that
those warnings hide the few that tell of a mistake. It also warns where none of its own extractors learns the annotated
entities; here ProductExtractor does. What libraries say to their own programmers is left out too. Every other warning
and error is shown, and the exit code is Rasa's.
"""

from __future__ import annotations

import os
import re
import warnings
from typing import Any, Text, Type, Union

_MEANS_NOTHING = re.compile(
    r"The utterance '\w+' is not used in any story or rule\."
    r"|You have defined training data consisting of entity examples, but your NLU configuration does not include"
)
_show = warnings.showwarning


def show(message: Union[Warning, Text], category: Type[Warning], *where: Any, **more: Any) -> None:
    """Show a warning that somebody can do something about."""
    if not issubclass(category, DeprecationWarning) and not _MEANS_NOTHING.match(str(message)):
        _show(message, category, *where, **more)


def main() -> None:
    """Run the command of Rasa's that the program was given."""
    # A filter of the warnings module would be overruled: Rasa sets its own when it starts.
    warnings.showwarning = show
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")  # nothing leaves this machine
    from rasa.__main__ import main as run  # what it imports has warnings of its own

    run()


if __name__ == "__main__":
    main()
