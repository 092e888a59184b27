"""Commands: `madoguchi --help` lists them. Errors that a person can mend end in one sentence and exit code 1."""

from __future__ import annotations

import typer

from madoguchi.cli import examples, models, run, shop, staff, store, talk

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
for module in (run, models, examples, talk, shop, store, staff):
    module.register(app)
