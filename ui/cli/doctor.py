"""`kb doctor`: whether the ledger is sound, and library, ledger, vectors and pictures on disk
agree."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from kb.config import Config, Home
from kb.errors import StoreInUseError
from kb.index.ledger import examine_ledger
from ui.cli.client import find_server
from ui.cli.display import PrintableConsole
from ui.service.service import Service

__all__ = ["examine", "print_findings"]


def examine(home: Home, config: Config, *, repair: bool) -> dict[str, Any]:
    """Compare everything; with `repair`, mend it and sync.

    Raises:
        StoreInUseError: A server runs on this home.
    """
    server = find_server(home)
    if server is not None:
        server.close()
        raise StoreInUseError(
            f"A server runs on this home ({server.url}). End it first, then run the doctor."
        )
    # First: with a damaged ledger nothing else can be compared.
    problems = examine_ledger(home.ledger)
    if problems:
        return {"is_sound": False, "ledger": list(problems), "repaired": False}
    service = Service(home, config)
    try:
        service.kb.recover()
        found = service.kb.examine()
        plan = service.sync(dry_run=True)
        stale = [file for file in plan.files if file.outcome not in ("unchanged", "failed")]
        findings: dict[str, Any] = {
            "is_sound": found.is_sound and not stale,
            "ledger": [],
            "files_to_sync": [file.source for file in stale],
            "points_without_chunk": len(found.orphan_points),
            "chunks_without_point": len(found.missing_points),
            "documents_without_pictures": len(found.missing_assets),
            "pictures_without_chunk": len(found.orphan_assets),
            "repaired": repair,
        }
        if repair:
            service.kb.repair(found)
            service.sync()
            findings["is_sound"] = service.kb.examine().is_sound
    finally:
        service.close()
    return findings


def print_findings(findings: dict[str, Any]) -> None:
    """What was found, and what to do."""
    console = PrintableConsole(soft_wrap=True)
    if findings["ledger"]:
        for problem in findings["ledger"]:
            console.print(f"ledger: {escape(problem)}", highlight=False)
        console.print(
            "The ledger is damaged. `kb sync --rebuild` makes the index anew from your files, "
            "which are not touched. Name folders that it no longer knows again: `kb sync FOLDER`.",
            highlight=False,
        )
        return
    for source in findings["files_to_sync"]:
        console.print(f"not in step with the disk: {escape(source)}", highlight=False)
    for name in (
        "points_without_chunk",
        "chunks_without_point",
        "documents_without_pictures",
        "pictures_without_chunk",
    ):
        if findings[name]:
            console.print(f"{name.replace('_', ' ')}: {findings[name]}", highlight=False)
    if findings["repaired"]:
        console.print("Repaired." if findings["is_sound"] else "Not all could be repaired.")
    elif findings["is_sound"]:
        console.print("Sound: library, ledger, vectors and pictures agree.")
    else:
        console.print("Run `kb doctor --repair` to mend this.")
