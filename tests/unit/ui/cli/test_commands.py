"""What the command line says of itself, and of what it does not know."""

from __future__ import annotations

import importlib.metadata

import pytest
from typer.testing import CliRunner

from ui.cli.commands import app


def test_it_tells_its_version() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    assert done.stdout == f"kb {importlib.metadata.version('multimodal-kb')}\n"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["serach", "pump"], "search"),
        (["aks"], "ask"),
        (["stauts"], "status"),
        (["token", "revok"], "revoke"),
        (["models", "pul"], "pull"),
    ],
)
def test_a_mistyped_command_gets_the_right_one_suggested(typed: list[str], meant: str) -> None:
    done = CliRunner().invoke(app, typed)
    assert done.exit_code == 2
    assert f"Did you mean '{meant}'" in done.output


def test_every_command_says_what_it_does() -> None:
    told = CliRunner().invoke(app, ["--help"]).output
    for name in (
        "up",
        "sync",
        "search",
        "ask",
        "status",
        "doctor",
        "mcp",
        "token",
        "models",
        "eval",
    ):
        assert f" {name} " in told
