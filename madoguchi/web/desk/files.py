"""Figures and lists as files that a spreadsheet opens."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from starlette.responses import Response


def as_csv(name: str, columns: str, rows: Iterable[Mapping[str, object]]) -> Response:
    """Return rows as a CSV file; `columns` are their names with spaces between."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns.split())
    writer.writeheader()
    writer.writerows({column: harmless(value) for column, value in row.items()} for row in rows)
    return Response(
        "\ufeff" + text.getvalue(),  # so that a spreadsheet reads Japanese
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def harmless(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay what they are."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
