"""Understand a file of messages: `python -m engine.parse [FILE] [--model MODEL] [--output FILE]`.

Each line in is {"text", "day"?, "purchases"?}; each line out {"text", "intent", "intent_ranking",
"entities", "milliseconds"}, in the same order. No server has to run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tarfile
import time
import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

from engine import quiet
from engine.lines import Line, WrongLine, read_lines

MODELS = Path("models")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="engine.parse", description="Understand a file of messages.")
    parser.add_argument("file", nargs="?", type=Path, default=Path("/dev/stdin"), help="lines of JSON; default: stdin")
    parser.add_argument("--model", type=Path, help="the model; default: the newest in models/")
    parser.add_argument("--output", type=Path, help="where to write; default: stdout")
    options = parser.parse_args(arguments)
    try:
        lines = read_lines([options.file], labelled=False)
        predictions = predict(lines, options.model)
    except WrongLine as error:
        print(error, file=sys.stderr)
        return 2
    rows = "".join(json.dumps(each) + "\n" for each in predictions)
    if options.output:
        options.output.write_text(rows, encoding="utf-8")
    else:
        sys.stdout.write(rows)
    return 0


def predict(lines: Sequence[Line], model: Optional[Path] = None) -> List[Dict[str, Any]]:
    """Return what the model makes of each line; raises WrongLine where there is no such model."""
    return list(_predictions(load(model), lines))


def load(model: Optional[Path] = None) -> Any:
    """Load a model, the newest one unless told; raises WrongLine where there is none."""
    # Before TensorFlow, which Rasa imports and this pipeline never uses, writes its first lines.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # A filter would be overruled: Rasa sets its own when it is imported.
    warnings.showwarning = quiet.show
    from engine.archives import Refused
    from engine.understanding import Understanding, newest_model

    archive = model or newest_model(MODELS)
    if archive is None:
        raise WrongLine("There is no model in models/: train one first (make train).")
    try:
        return Understanding(archive)
    except (OSError, tarfile.ReadError):
        raise WrongLine(f"{archive} is no model that can be read.") from None
    except Refused as reason:
        raise WrongLine(f"{archive} is not loaded: {reason}. See `madoguchi models sign`.") from None


def _predictions(understanding: Any, lines: Sequence[Line]) -> Iterator[Dict[str, Any]]:
    for line in lines:
        begun = time.perf_counter()
        found = understanding.parse(line.text, line.day, list(line.purchases) or None)
        yield {**found, "milliseconds": round((time.perf_counter() - begun) * 1000, 3)}


if __name__ == "__main__":
    sys.exit(main())
