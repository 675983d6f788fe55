"""Options that commands share, and how commands speak."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kb.arrival import finish_import
from kb.config import Config, Home
from kb.config.loading import available_profiles, load_config
from kb.errors import ConfigError
from ui.logs import is_log_for_programs
from ui.printable import printable, printable_json

__all__ = ["HomeOption", "JsonOption", "ProfileOption", "configure", "print_json", "say"]

_log = logging.getLogger(__name__)

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Where it lives. Default: $KB_HOME, else ./data.", metavar="DIR"),
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", help="Which models answer. Default: kb.yaml's, else starter."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def configure(
    home: Path | None, profile: str | None, *, is_needed: bool = True, is_made: bool = False
) -> tuple[Home, Config]:
    """The home and its configuration, from the options.

    Args:
        is_needed: Whether the command asks what is in the home: then it must be there.
        is_made: Whether the command makes one that is not there; it is told here.

    Raises:
        ConfigError: There is no such home.
        typer.BadParameter: There is no such profile.
    """
    if profile is not None and profile not in available_profiles():
        raise typer.BadParameter(
            f"There is no profile {profile!r}. Choose: {', '.join(available_profiles())}.",
            param_hint="--profile",
        )
    place = Home(home) if home else Home.default()
    finish_import(place)
    if not place.path.is_dir():
        if is_made:
            say(f"A new knowledge base is made in {place.path}.")
        elif is_needed:
            raise ConfigError(
                f"There is no knowledge base in {place.path}. Name another with --home, or make "
                f"one there: `kb up --home {place.path}`."
            )
    return place, load_config(place, profile)


def print_json(value: Any) -> None:
    """A result, on stdout."""
    print(printable_json(value, indent=2), flush=True)


def say(text: str) -> None:
    """A word to the person, on stderr; where that is a log for programs, a line of it."""
    if is_log_for_programs():
        _log.info("%s", text)
    else:
        print(printable(text), file=sys.stderr, flush=True)
