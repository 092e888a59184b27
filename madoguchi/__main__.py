"""`python -m madoguchi` is the same as the command `madoguchi`."""

from madoguchi.cli import app

app(prog_name="madoguchi")
