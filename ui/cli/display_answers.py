"""What `kb eval --answers` prints on a terminal."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from ui.cli.display import PrintableConsole

__all__ = ["print_answer_measures", "print_answers_evaluation"]

_COLUMNS = {
    "n": "questions",
    "right": "right",
    "wrong": "wrong",
    "false_refusal": "false refusals",
    "right_refusal": "right refusals",
    "false_answer": "false answers",
    "other": "other answers",
    "cited": "cited right",
    "mean_chars": "mean length",
}
_MAX_ANSWER_CHARS = 300


def print_answers_evaluation(result: dict[str, Any]) -> None:
    """What was not answered right, then a line for each kind of question, then the sums."""
    console = PrintableConsole(soft_wrap=True)
    for question in result["questions"]:
        if question["verdict"] in ("right", "right_refusal"):
            continue
        name = question["verdict"].replace("_", " ")
        console.print(f"[bold]{name}[/] {escape(question['text'])}", highlight=False)
        if question["verdict"] != "false_refusal":
            said = " ".join(question["answer"].split())[:_MAX_ANSWER_CHARS]
            console.print(f"   {escape(said)}", highlight=False)
        for fact in question["missing"]:
            console.print(f"   [dim]missing: {escape(' / '.join(fact))}[/]", highlight=False)
        for form in question["unwanted"]:
            console.print(f"   [dim]should not be there: {escape(form)}[/]", highlight=False)
    print_answer_measures(result, console)
    everything = result["kinds"]["all"]
    n_unanswerable = everything["right_refusal"] + everything["false_answer"]
    n_answerable = everything["n"] - n_unanswerable - everything["other"]
    console.print(
        f"{everything['right']} of {n_answerable} answerable questions answered right, "
        f"{everything['right_refusal']} of {n_unanswerable} others refused"
        + (f", {everything['other']} that nobody has judged" if everything["other"] else "")
        + f" ({result['total_time_ms'] / 1000:.0f} s)",
        highlight=False,
    )


def print_answer_measures(result: dict[str, Any], console: PrintableConsole | None = None) -> None:
    """A line for each kind of question, then both kinds of error by threshold."""
    console = console or PrintableConsole(soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    table.add_column("kind")
    for title in _COLUMNS.values():
        table.add_column(title, justify="right")
    for kind, counts in result["kinds"].items():
        cells = ["–" if counts[key] is None else str(counts[key]) for key in _COLUMNS]
        table.add_row(escape(kind), *cells)
    console.print(table)
    console.print("threshold  refused falsely  answered falsely", highlight=False)
    for point in result["curve"]:
        refused, answered = (
            "–" if point[key] is None else f"{point[key]:.3f}"
            for key in ("false_refusals", "false_answers")
        )
        line = f"{point['threshold']:9.2f}  {refused:>15}  {answered:>16}"
        console.print(line, highlight=False)
