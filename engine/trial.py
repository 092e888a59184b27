"""Understand message after message with one model, for a person who tries it: `python -m engine.trial MODEL`.

Reads a line of JSON ({"text", "day"?, "purchases"?}) from the standard input and answers it with a line on the
standard output, until the input ends. The first line out is {"ready": true}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Optional, Sequence

from engine.lines import WrongLine, parse_line
from engine.parse import load


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command and return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        understanding = load(Path(given[0]))
    except (WrongLine, IndexError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps({"ready": True}), flush=True)
    for number, row in enumerate(sys.stdin, start=1):
        try:
            line = parse_line(row, f"line {number}", labelled=False)
        except WrongLine as error:
            print(json.dumps({"error": str(error)}), flush=True)
            continue
        print(json.dumps(understanding.parse(line.text, line.day, list(line.purchases) or None)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
