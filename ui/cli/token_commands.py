"""``kb token create | list | revoke``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from ui.cli.options import HomeOption, JsonOption, configure, print_json, say
from ui.printable import printable
from ui.service.tokens import Tokens, TokenScope

__all__ = ["token"]

token = typer.Typer(help="Tokens by which programs are let in.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="Whose it is: the program's name.")]


@token.command()
def create(
    name: NameArgument,
    scope: Annotated[
        list[TokenScope] | None,
        typer.Option("--scope", help="What it may do; may be given more than once. Default: read."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token. It is shown this once: what is kept of it is a digest."""
    place, _ = configure(home, None)
    scopes = sorted(set(scope or [TokenScope.READ]))
    made = Tokens(place).create(name, scopes)
    if as_json:
        print_json({"name": name, "scopes": scopes, "token": made})
        return
    say(f"The token of {name!r}, which may {', '.join(scopes)}. It is not shown again:")
    print(made, flush=True)


@token.command(name="list")
def list_tokens(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """The tokens there are, and what each may do."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    place, _ = configure(home, None)
    tokens = Tokens(place).all()
    if as_json:
        print_json(
            {
                "tokens": [
                    {"name": one.name, "scopes": sorted(one.scopes), "created_s": one.created_s}
                    for one in tokens
                ]
            }
        )
        return
    table = Table("Name", "May", "Made", box=None)
    for one in tokens:
        made = datetime.fromtimestamp(one.created_s).astimezone()
        table.add_row(
            Text(printable(one.name)), ", ".join(sorted(one.scopes)), f"{made:%Y-%m-%d %H:%M}"
        )
    Console().print(table)


@token.command()
def revoke(name: NameArgument, home: HomeOption = None) -> None:
    """Let no program in by this token from now on, also where a server runs."""
    place, _ = configure(home, None)
    Tokens(place).revoke(name)
    say(f"The token of {name!r} lets nobody in any more.")
