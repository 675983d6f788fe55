"""``kb trash list | restore | empty``."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import Annotated

import typer

from kb.config import Home
from kb.errors import ConfigError
from ui.cli.options import HomeOption, JsonOption, configure, print_json, say
from ui.printable import printable

__all__ = ["trash"]

trash = typer.Typer(help="Files that were deleted from the library.", no_args_is_help=True)


@trash.command(name="list")
def list_trash(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """What is in the trash, the newest first."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from kb.text.humanize import size_text
    from ui.service.trash import Trash

    place, _ = configure(home, None)
    found = Trash(place.trash, place.library).find()
    if as_json:
        print_json(
            {
                "files": [
                    {
                        "id": one.id,
                        "source": one.source,
                        "also": list(one.sources[1:]),
                        "deleted_ns": one.deleted_ns,
                        "size_bytes": one.size_bytes,
                    }
                    for one in found
                ]
            }
        )
        return
    table = Table("Id", "File", "Deleted", "Size", box=None)
    for one in found:
        deleted = datetime.fromtimestamp(one.deleted_ns / 1e9).astimezone()
        table.add_row(
            one.id,
            Text(printable(one.source)),
            f"{deleted:%Y-%m-%d %H:%M}",
            size_text(one.size_bytes),
        )
    Console(soft_wrap=True).print(table)


@trash.command()
def restore(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="As `kb trash list` shows them.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put files back where they were, beside what has their names by now. A server that runs, or
    the next `kb sync`, indexes them."""
    from ui.service.trash import Trash

    place, _ = configure(home, None)
    kept = Trash(place.trash, place.library)
    sources: list[str] = []
    errors: list[str] = []
    for trash_id in ids:
        try:
            sources.append(kept.restore(trash_id))
        except ConfigError as error:
            errors.append(f"{trash_id}: {error}")
    if as_json:
        print_json({"sources": sources, "errors": errors})
    else:
        for source in sources:
            say(f"{source} is back.")
        for reason in errors:
            say(f"kb: {reason}")
    if errors:
        raise typer.Exit(1)


@trash.command()
def empty(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete all that is in the trash for good, with what was read and heard in it."""
    from ui.service.trash import Trash

    place, _ = configure(home, None)
    n_files = len(Trash(place.trash, place.library).find())
    if n_files and not yes:
        if as_json:
            raise typer.BadParameter("with --json, give --yes, too: nobody is asked then.")
        typer.confirm(f"Delete {n_files:,} files for good?", abort=True, err=True)
    n_files = _purge(place) if n_files else 0
    if as_json:
        print_json({"n_files": n_files})
    else:
        say(f"{n_files:,} files were deleted for good.")


def _purge(home: Home) -> int:
    from kb import Ledger
    from ui.service.shelf import purge_trash
    from ui.service.trash import Trash

    with closing(Ledger(home.ledger)) as ledger:
        return len(purge_trash(Trash(home.trash, home.library), home, ledger))
