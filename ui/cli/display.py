"""What the command line shows people: results, on stdout."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console
from rich.markup import escape

from kb.text.humanize import size_text, timestamp
from ui.printable import printable

__all__ = [
    "PrintableConsole",
    "place_text",
    "plain",
    "print_citations",
    "print_claims",
    "print_claims_evaluation",
    "print_closest",
    "print_evaluation",
    "print_results",
    "print_status",
    "print_sync",
    "print_understood",
]

Json = dict[str, Any]
_MAX_PASSAGE_CHARS = 400


class PrintableConsole(Console):
    """A console to which no name of a file, no reason and no answer gives an order."""

    def print(self, *objects: Any, **options: Any) -> None:
        """See `rich.console.Console`."""
        super().print(
            *(printable(one) if isinstance(one, str) else one for one in objects), **options
        )


def place_text(place: Json) -> str:
    """``manual.pdf, page 4`` or ``tour.mp4, 1:24``."""
    text = str(place["source"])
    if place.get("page") is not None:
        text += f", page {place['page']}"
    second = place.get("time_s")
    second = place.get("start_s") if second is None else second
    if second is not None:
        text += f", {timestamp(second)}"
    return text


def print_sync(report: Json, *, dry_run: bool) -> None:
    """What changed, what failed and why, and the counts."""
    console = PrintableConsole(soft_wrap=True)
    for file in report["files"]:
        if file["outcome"] == "unchanged":
            continue
        style = {"failed": "red", "partial": "yellow"}.get(file["outcome"], "green")
        reason = f"  {escape(file['reason'])}" if file["reason"] else ""
        console.print(
            f"[{style}]{file['outcome']:<8}[/] {escape(file['source'])}[dim]{reason}[/]",
            highlight=False,
        )
    counts = ", ".join(f"{n} {outcome}" for outcome, n in report["counts"].items() if n)
    seconds = report["total_time_ms"] / 1000
    would = "Would be: " if dry_run else ""
    console.print(f"{would}{counts or 'nothing to do'} ({seconds:.1f} s)", highlight=False)


def print_results(result: Json) -> None:
    """Results, best first."""
    console = PrintableConsole(soft_wrap=True)
    _print_mended(console, result)
    for item in result["results"]:
        metadata = item["metadata"]
        console.print(
            f"[bold]{item['rank']}. {escape(place_text(metadata))}[/]  "
            f"[dim]{metadata['modality']}, score {item['rerank_score']:.3f}[/]",
            highlight=False,
        )
        passage = " ".join(item["content"].split())
        if passage:
            console.print("   " + escape(passage[:_MAX_PASSAGE_CHARS]), highlight=False)
    if not result["results"]:
        console.print("Nothing was found. `kb status` tells what is indexed.")
    console.print(f"[dim]{result['total_time_ms']:.0f} ms[/]", highlight=False)


def _print_mended(console: PrintableConsole, result: Json) -> None:
    if "mended" in result:
        console.print(
            f"[dim]Found for[/] {escape(result['mended'])} [dim]instead of[/] "
            f"{escape(result['query'])} [dim](--as-written takes it as it is)[/]",
            highlight=False,
        )


def plain(markdown: str) -> str:
    """An answer's Markdown for a terminal: without the backslashes before marks."""
    return re.sub(r"(?<! ) ++\n", "\n", re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown))


def print_citations(answer: Json) -> None:
    """The citations of an answer whose text was already printed."""
    console = PrintableConsole(soft_wrap=True)
    console.print()
    _print_mended(console, answer)
    for citation in answer["citations"]:
        console.print(
            f"[bold]\\[{citation['number']}][/] {escape(place_text(citation))}", highlight=False
        )


def print_note(answer: Json) -> None:
    """What is to be known of how an answer was made."""
    if answer["note"]:
        PrintableConsole(soft_wrap=True).print(
            f"[yellow]Note:[/] {escape(answer['note'])}", highlight=False
        )


def print_understood(understood: str) -> None:
    """Above an answer: how a follow-up was understood."""
    PrintableConsole(soft_wrap=True).print(
        f"[dim]Asked as:[/] {escape(understood)}", highlight=False
    )


def print_closest(answer: Json) -> None:
    """Below an answer that there is none: the nearest passages, labelled as what they are."""
    if not answer["closest_passages"]:
        return
    console = PrintableConsole(soft_wrap=True)
    console.print("[dim]Closest passages, which do not answer:[/]", highlight=False)
    for passage in answer["closest_passages"]:
        said = " ".join(passage["quote"].split())[:_MAX_PASSAGE_CHARS]
        console.print(f"  [bold]{escape(place_text(passage))}[/]  {escape(said)}", highlight=False)


def print_claims(answer: Json) -> None:
    """The sentences of an answer that their sources hardly support, and why none is checked."""
    console = PrintableConsole(soft_wrap=True)
    claims = answer["claims"]
    weak = [claim for claim in claims if claim["weak"]]
    if answer["check_error"]:
        console.print(f"[yellow]Not checked:[/] {escape(answer['check_error'])}", highlight=False)
    for claim in weak:
        numbers = "".join(f"[{number}]" for number in claim["citations"])
        by = numbers or "all that was found, and citing nothing"
        console.print(
            f"[yellow]Weakly supported[/] by {escape(by)} (score {claim['score']:.2f}): "
            f"{escape(claim['text'])}",
            highlight=False,
        )
    if claims and not weak:
        scores = [claim["score"] for claim in claims if claim["score"] is not None]
        lowest = f", lowest score {min(scores):.2f}" if scores else ""
        n = f"{len(claims)} sentence{'s' if len(claims) > 1 else ''}"
        n += " with citations" if all(claim["citations"] for claim in claims) else ""
        console.print(f"[dim]Checked: {n}{lowest}[/]", highlight=False)


def print_claims_evaluation(result: Json) -> None:
    """The threshold with what its marks are worth, and where it was written."""
    print_evaluation(result)
    if result["threshold"] is None:
        PrintableConsole(soft_wrap=True).print(
            "No threshold marks unsupported claims with the precision that is asked for, so "
            "nothing will be marked; answers go on showing scores.",
            highlight=False,
        )


def print_status(status: Json) -> None:
    """Counts, sizes, settings and failures."""
    console = PrintableConsole(soft_wrap=True)
    counts = ", ".join(f"{n} {name}" for name, n in status["counts"].items() if n)
    sizes = ", ".join(f"{name} {size_text(n)}" for name, n in status["size_bytes"].items())
    kinds = ", ".join(f"{n} {name}" for name, n in sorted(status["kinds"].items()))
    rows = (
        ("Profile", status["profile"]),
        ("", status["profile_note"]),
        ("Models", "\n".join(map(_model_line, status["models"]))),
        ("Home", status["home"]),
        ("Folders", "\n".join(status["roots"])),
        ("Store", status["store"]),
        ("Chunking", status["chunking"]),
        ("Files", f"{status['n_files']}" + (f" ({counts})" if counts else "")),
        ("Kinds", kinds or "none"),
        ("Chunks", f"{status['n_chunks']} ({status['n_unindexed']} vectors outside HNSW)"),
        ("On disk", sizes),
    )
    for name, value in rows:
        for n, line in enumerate(str(value).splitlines()):
            console.print(f"[bold]{name if n == 0 else '':<9}[/] {escape(line)}", highlight=False)
    for failure in status["failures"]:
        style = "red" if failure["status"] == "failed" else "yellow"
        console.print(
            f"[{style}]{failure['status']}[/] {escape(failure['source'])}: "
            f"{escape(failure['reason'])}",
            highlight=False,
        )
    if status["alert"]:
        console.print(f"[red]{escape(status['alert'])}[/]", highlight=False)


def _model_line(model: Json) -> str:
    size = f", {size_text(model['size_bytes'])}" if model["size_bytes"] else ""
    states = {True: ", in memory now", False: ", loaded when it is needed", None: ""}
    state = states[model["is_loaded"]]
    return f"{model['role']:<10}{model['name']}, on {model['where']}{size}{state}"


def print_evaluation(result: Json) -> None:
    """One line a measure."""
    console = PrintableConsole(soft_wrap=True)
    for name, value in result.items():
        shown = f"{value:.4f}" if isinstance(value, float) else str(value)
        console.print(f"{name:>16}  {shown}", highlight=False)
