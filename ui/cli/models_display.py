"""What `kb models` shows people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from kb.hub.pull import PullPlan
from kb.text.humanize import size_text
from ui.cli.display import PrintableConsole
from ui.printable import printable

__all__ = ["offer_text", "print_available", "print_models", "print_pulled", "print_servers"]

Json = dict[str, Any]

_STYLES = {
    "ok": "green",
    "here": "green",
    "incomplete": "yellow",
    "damaged": "red",
    "missing": "red",
}
_INDENT = 12


def offer_text(plans: Sequence[PullPlan], free_bytes: int, gpu: tuple[str, int] | None) -> str:
    """What a pull will load, from where, how much, and what there is to hold it."""
    lines = []
    for plan in plans:
        source = f"{plan.listing.hub.label}, revision {plan.listing.revision[:12]}"
        n_here = plan.n_bytes - plan.n_bytes_left
        rest = f", {size_text(n_here)} of it here already" if n_here else ""
        lines += [
            f"{plan.model.name:<24} {size_text(plan.n_bytes):>8}{rest}",
            f"    from {source}",
            f"    to   {plan.directory}",
        ]
    left = size_text(sum(plan.n_bytes_left for plan in plans))
    lines.append(f"To load: {left}. Free on the disk: {size_text(free_bytes)}.")
    weights_bytes = sum(plan.model.weights_bytes for plan in plans)
    needed = f"GPU memory for the weights: {size_text(weights_bytes)}"
    if gpu is None:
        lines.append(f"{needed}. No GPU is found here; on a processor it is slow.")
    elif weights_bytes > gpu[1]:
        lines.append(f"{needed}, more than this {gpu[0]} has ({size_text(gpu[1])}).")
    else:
        lines.append(f"{needed}. This {gpu[0]} has {size_text(gpu[1])}.")
    return "\n".join(lines)


def print_models(rows: Sequence[Json]) -> None:
    """A line a model, its note below."""
    console = PrintableConsole()
    for row in rows:
        size = size_text(row["size_bytes"]) if row["size_bytes"] else ""
        _line(console, _mark(row), row["role"], row["name"], size)
        _note(console, row["note"])


def print_available(rows: Sequence[Json]) -> None:
    """A line a model that can be pulled."""
    console = PrintableConsole()
    console.print("\nTo pull: [bold]kb models pull NAME…[/] (or a profile's name)")
    for row in rows:
        mark = "" if row["state"] == "not here" else row["state"]
        _line(console, mark, row["role"], row["name"], size_text(row["size_bytes"]))
        _note(console, row["note"])


def print_pulled(rows: Sequence[Json]) -> None:
    """A line a model that was pulled, and where it is."""
    console = PrintableConsole()
    for row in rows:
        _line(console, "ok", row["role"], row["name"], size_text(row["size_bytes"]))
        _note(console, f"revision {row['revision'][:12]}, in {row['directory']}")
    outside = [row for row in rows if row["is_outside"]]
    if outside:
        console.print("\nTo use what is elsewhere, write into kb.yaml:")
    told = set()
    for row in outside:
        # A JSON string is one in YAML too, whatever the path holds.
        where = json.dumps(row["directory"], ensure_ascii=False)
        lines = [f"{row['role']}:", "  kind: qwen3-vl", f"  model: {where}"]
        # Of two models for one place the second is left to choose.
        comment = "# " if row["role"] in told else ""
        told.add(row["role"])
        console.print(Text(printable("\n".join(comment + line for line in lines))), soft_wrap=True)


def print_servers(rows: Sequence[Json]) -> None:
    """A line a model server, its models below."""
    console = PrintableConsole(soft_wrap=True)
    for row in rows:
        console.print(f"[bold]{escape(row['server'])}[/] at {escape(row['url'])}", highlight=False)
        if row["problem"]:
            console.print(f"  [yellow]{escape(row['problem'])}[/]", highlight=False)
        for model in row["models"]:
            sees = {True: "sees pictures", False: "reads words only", None: ""}
            length = f"{model['context_tokens']:,} tokens" if model["context_tokens"] else ""
            notes = ", ".join(note for note in (sees[model["sees_pictures"]], length) if note)
            console.print(f"  {escape(model['name']):<44} [dim]{notes}[/]", highlight=False)
    if any(row["models"] for row in rows):
        console.print(
            "\nFor one answer: [bold]kb ask … --generator NAME[/]. "
            "For all: [bold]kb models use NAME[/].",
            highlight=False,
        )
    elif not rows:
        console.print(
            "No model server runs on this computer: neither Ollama, LM Studio, llama-server nor "
            "vLLM answers where it listens by itself. Start one and look again.",
            highlight=False,
        )


def _mark(row: Json) -> str:
    if row["ok"]:
        return "ok"
    if row.get("damaged"):
        return "damaged"
    return "incomplete" if row.get("directory") or row["size_bytes"] else "missing"


def _line(console: Console, mark: str, role: str, name: str, size: str) -> None:
    style = _STYLES.get(mark, "default")
    console.print(
        f"[{style}]{mark:<{_INDENT}}[/]{role:<18} {escape(name):<26} {size:>8}",
        highlight=False,
        soft_wrap=True,
    )


def _note(console: Console, note: str) -> None:
    if not note:
        return
    if console.is_terminal:
        console.print(
            Padding(printable(f"[dim]{escape(note)}[/]"), (0, 0, 0, _INDENT)), highlight=False
        )
    else:
        console.print(" " * _INDENT + escape(note), highlight=False, soft_wrap=True)
