"""``kb export``, ``kb import`` and ``kb backup``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kb.config import Home
from kb.config.loading import available_profiles
from kb.errors import StoreInUseError
from kb.text.humanize import size_text
from ui.cli.options import HomeOption, JsonOption, ProfileOption, configure, print_json, say

if TYPE_CHECKING:
    from kb import Manifest
    from ui.cli.progress import ProgressBar

__all__ = ["backup", "export", "import_"]

_N_SHOWN = 20


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="Is made; must not be there.")],
    without_vectors: Annotated[
        bool,
        typer.Option("--without-vectors", help="A smaller file; they are made anew at the import."),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the whole knowledge base into one file: library, index, conversations, and settings
    without secrets. A server may run."""
    from kb import export_library
    from ui.cli.progress import ProgressBar

    place, config = configure(home, None)
    start_s = time.perf_counter()
    with ProgressBar("Exporting") as bar:
        manifest = export_library(
            place,
            config,
            file,
            with_vectors=not without_vectors,
            listen=_shown_on(bar),
        )
    n_bytes = file.expanduser().stat().st_size
    if as_json:
        print_json({"file": str(file), "n_bytes": n_bytes, **_json(manifest, start_s)})
        return
    say(f"{file} ({size_text(n_bytes)}) holds {_counts(manifest)}.")
    _tell_what_stays(manifest)
    say(f"Elsewhere: `kb import {file.name} --home DIR`.")


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.zip|DIR",
            help="Of `kb export`, or of `kb backup`: its newest state, or a file of DIR/snapshots.",
            exists=True,
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all of it, tell, and change nothing.")
    ] = False,
    home: HomeOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in what `kb export` or `kb backup` wrote, into a home that is empty. No server may run
    on it."""
    from kb import import_library
    from ui.cli.client import find_server
    from ui.cli.progress import ProgressBar
    from ui.cli.reembedding import reembed_now

    if profile is not None and profile not in available_profiles():
        raise typer.BadParameter(
            f"There is no profile {profile!r}. Choose: {', '.join(available_profiles())}.",
            param_hint="--profile",
        )
    place = Home(home) if home else Home.default()
    if (server := find_server(place)) is not None:
        with closing(server):
            raise StoreInUseError(
                f"A server runs on this home ({server.url}). End it first, or name another --home."
            )
    start_s = time.perf_counter()
    with ProgressBar("Importing") as bar:
        imported = import_library(
            place,
            file,
            profile,
            is_tried=dry_run,
            listen=_shown_on(bar),
        )
    manifest = imported.manifest
    makes_vectors = manifest.n_documents > 0 and not imported.has_vectors
    if as_json:
        print_json(
            {
                "home": str(place.path),
                "profile": imported.config.profile,
                "dry_run": dry_run,
                "has_vectors": imported.has_vectors,
                "keeps_settings": imported.keeps_settings,
                "leads_to": list(imported.leads_to),
                "variables": list(imported.variables),
                **_json(manifest, start_s),
            }
        )
    else:
        done = "would hold" if dry_run else "holds"
        say(f"{place.path} {done} {_counts(manifest)}, of version {manifest.program}.")
        if imported.keeps_settings:
            say(f"{place.config} stays as it is; settings that came along are not taken.")
        if imported.leads_to:
            say(
                f"Its settings name {', '.join(imported.leads_to)}: what is indexed and asked is "
                "sent to such servers, and such folders are read. Take out what you do not know: "
                f"{place.config}."
            )
        for name in imported.variables:
            is_set = bool(os.environ.get(name[1:], "").strip())
            say(
                f"Its settings read a key from the environment variable {name}, "
                + (
                    "whose value here is sent to those servers."
                    if is_set
                    else "which is not set here: set it, or what asks for it fails."
                )
            )
        if makes_vectors:
            say(
                f"The vectors of {imported.config.profile} "
                f"{'would be' if dry_run else 'are'} made anew; no file is read for it."
            )
        _tell_what_stays(manifest)
    if makes_vectors and not dry_run:
        reembed_now(place, imported.config, as_json=False)


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of its own; made where needed.")],
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Compare all that was backed up with its digests instead."),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy what is new since the last time. A server may run. `kb import DIR` takes it back."""
    from kb import backup_library, verify_backup
    from ui.cli.progress import ProgressBar

    if verify:
        with ProgressBar("Backing up") as bar:
            n_states, n_bytes = verify_backup(folder, listen=_shown_on(bar))
        if as_json:
            print_json({"folder": str(folder), "n_states": n_states, "n_bytes": n_bytes})
        else:
            say(f"{folder} is whole: {n_states} states, {size_text(n_bytes)}.")
        return
    start_s = time.perf_counter()
    with ProgressBar("Backing up") as bar:
        place, config = configure(home, None)
        made = backup_library(place, config, folder, listen=_shown_on(bar))
    if as_json:
        print_json(
            {
                "file": str(made.path),
                "n_new_bytes": made.n_new_bytes,
                **_json(made.manifest, start_s),
            }
        )
        return
    say(f"{made.path} holds {_counts(made.manifest)}; {size_text(made.n_new_bytes)} were new.")
    _tell_what_stays(made.manifest)


def _shown_on(bar: ProgressBar) -> Callable[[str, int, int], None]:
    """What shows on `bar` how far it is."""
    return lambda doing, n_done, n_total: bar.at(n_done, n_total, doing)


def _json(manifest: Manifest, start_s: float) -> dict[str, Any]:
    return {
        "program": manifest.program,
        "n_files": manifest.n_files,
        "n_documents": manifest.n_documents,
        "n_conversations": manifest.n_conversations,
        "outside": list(manifest.outside),
        "left_out": dict(manifest.left_out),
        "total_time_ms": (time.perf_counter() - start_s) * 1000,
    }


def _counts(manifest: Manifest) -> str:
    return (
        f"{manifest.n_files:,} files, {manifest.n_documents:,} documents and "
        f"{manifest.n_conversations:,} conversations"
    )


def _tell_what_stays(manifest: Manifest) -> None:
    for folder in manifest.outside:
        say(
            f"{folder} is indexed in place: its files do not travel. Have them under the same "
            f"path, or take them out with `kb sync --forget {folder}`."
        )
    for name, why in list(manifest.left_out.items())[:_N_SHOWN]:
        say(f"Left out: {name} ({why})")
    if (n_more := len(manifest.left_out) - _N_SHOWN) > 0:
        say(f"Left out: {n_more:,} more")
