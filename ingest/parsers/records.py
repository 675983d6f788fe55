"""Data by record: JSON, JSON Lines, and tables with commas, semicolons or tabs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from ingest.chunk.chunker import count_tokens
from ingest.parsers.base import KeepRecord, ParseContext
from ingest.parsers.table_header import N_LOOKED_AT, Header, find_header
from ingest.parsers.text import open_text, read_text, title_from_name
from kb.errors import ParseError
from kb.types import Locator, Modality, Segment, Source

__all__ = ["RecordsParser"]

_SNIFFED_CHARS = 65536
_MAX_FIELD_CHARS = 1 << 24
_DELIMITERS = ",;\t|"
_JSON_LINES = "application/x-ndjson"


class RecordsParser:
    """One segment a JSON record or group of table rows, as lines of ``key: value``, since that
    is how people ask for it. Anchors: ``items[3]`` in JSON, ``L12`` the line in JSON Lines,
    ``row-5`` the first data row of a group."""

    version = 2
    media_types = frozenset(
        {"application/json", _JSON_LINES, "text/csv", "text/tab-separated-values"}
    )

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The records in order; JSON Lines and tables are read as a stream.

        Raises:
            ParseError: The file is empty, or is not the format that its name says.
            SourceTooLargeError: A JSON file has more than 256 MiB.
        """
        title = title_from_name(source.path)
        if source.media_type == "application/json":
            return _json(source, title, context)
        if source.media_type == _JSON_LINES:
            return _json_lines(source, title, context)
        return _table(source, title, context)


def _json(source: Source, title: str, context: ParseContext) -> Iterator[Segment]:
    text = read_text(source)
    keep = context.keep_record
    try:
        value = _loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and "\n" in text[: error.pos]:
            # JSON Lines under the name of JSON.
            yield from _json_lines(source, title, context)
            return
        raise ParseError(
            f"The file is not valid JSON: {error.msg} at line {error.lineno}, column "
            f"{error.colno}. Correct it there (an editor that checks JSON shows the place), or "
            "name it .txt to have it read as text.",
            source=source.path,
            locator=Locator(anchor=f"L{error.lineno}"),
        ) from error
    except RecursionError as error:
        raise ParseError(
            "The JSON nests too deep to be read. Flatten it, or name it .txt to have it read as "
            "text.",
            source=source.path,
        ) from error
    found = False
    for segment in _of_value(value, title, keep):
        found = True
        yield segment
    if not found:
        raise ParseError(
            "The JSON holds no values. Remove the file, or fill it and sync again.",
            source=source.path,
        )


def _loads(text: str) -> Any:
    # Integers stay as they are written: Python refuses to make numbers of thousands of digits.
    return json.loads(text, parse_int=str)


def _of_value(value: Any, title: str, keep: KeepRecord) -> Iterator[Segment]:
    if isinstance(value, list):
        yield from _of_list(value, "", title, (), keep)
    elif isinstance(value, dict):
        plain: list[str] = []
        for key, item in value.items():
            if isinstance(item, list) and any(isinstance(element, dict) for element in item):
                yield from _of_list(item, key, title, (key,), keep)
            elif isinstance(item, dict):
                yield from _record("\n".join(_lines(item)), key, title, (key,))
            else:
                plain += _lines({key: item})
        yield from _record("\n".join(plain), "", title, ())
    else:
        yield from _record(_scalar(value), "", title, ())


def _of_list(
    items: list[Any], path: str, title: str, headings: tuple[str, ...], keep: KeepRecord
) -> Iterator[Segment]:
    for index, item in enumerate(items):
        if isinstance(item, dict):
            fields = _fields(item)
            text = _as_lines(fields)
            keep(fields, text, path, headings)
        else:
            text = "\n".join(_lines(item)) if isinstance(item, list) else _scalar(item)
        # Bare values are merged by the chunker; a record stands for itself.
        yield from _record(
            text, f"{path}[{index}]", title, headings, atomic=isinstance(item, dict | list)
        )


def _record(
    text: str, anchor: str, title: str, headings: tuple[str, ...], *, atomic: bool = True
) -> Iterator[Segment]:
    if text.strip():
        locator = Locator(anchor=anchor or None)
        yield Segment(Modality.TEXT, locator, text, title, headings, atomic=atomic)


def _lines(value: dict[str, Any] | list[Any]) -> list[str]:
    """``path.to[0].key: value`` for each value, in order."""
    return [f"{path}: {text}" if path else text for path, text in _fields(value)]


def _as_lines(fields: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"{path}: {text}" if path else text for path, text in fields)


def _fields(value: dict[str, Any] | list[Any]) -> list[tuple[str, str]]:
    """The path and the text of each value, in order; lists of bare values are one text.
    A stack, not recursion: JSON may nest deeper than Python calls."""
    fields: list[tuple[str, str]] = []
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        path, item = stack.pop()
        if isinstance(item, dict):
            stack += [
                (f"{path}.{key}" if path else key, below) for key, below in reversed(item.items())
            ]
        elif isinstance(item, list) and any(isinstance(below, dict | list) for below in item):
            stack += [(f"{path}[{i}]", item[i]) for i in reversed(range(len(item)))]
        else:
            text = ", ".join(map(_scalar, item)) if isinstance(item, list) else _scalar(item)
            if text:
                fields.append((path, text))
    return fields


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json_lines(source: Source, title: str, context: ParseContext) -> Iterator[Segment]:
    n_read = n_bad = 0
    first_bad = ""
    with open_text(source, newline="") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                value = _loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                n_bad += 1
                what = (
                    f"line {number}, column {error.colno}: {error.msg}"
                    if isinstance(error, json.JSONDecodeError)
                    else f"line {number}: it nests too deep"
                )
                first_bad = first_bad or what
                continue
            n_read += 1
            if isinstance(value, dict):
                fields = _fields(value)
                text = _as_lines(fields)
                context.keep_record(fields, text)
            else:
                text = "\n".join(_lines(value)) if isinstance(value, list) else _scalar(value)
            yield from _record(text, f"L{number}", title, ())
    if not n_read:
        what = f"the first error is at {first_bad}" if n_bad else "the file is empty"
        raise ParseError(
            f"No line of the file is JSON; {what}. Write one JSON value a line, or name the file "
            ".txt to have it read as text.",
            source=source.path,
        )
    if n_bad:
        context.warn(
            f"{n_bad:,} of {n_read + n_bad:,} lines are not JSON and were left out; the first is "
            f"{first_bad}. Correct them and sync again."
        )


def _table(source: Source, title: str, context: ParseContext) -> Iterator[Segment]:
    max_tokens, _ = context.config.chunking.sizes_tokens
    csv.field_size_limit(_MAX_FIELD_CHARS)
    with open_text(source, newline="") as file:
        sample = file.read(_SNIFFED_CHARS)
        file.seek(0)
        is_tabs = source.media_type == "text/tab-separated-values"
        delimiter = "\t" if is_tabs else _delimiter(sample)
        # A NUL makes the reader give up; a file cut off while it was written may hold some.
        reader = csv.reader((line.replace("\0", "") for line in file), delimiter=delimiter)
        group: list[str] = []
        n_tokens, first_row, n_rows = 0, 1, 0
        names: list[str] = []
        try:
            rows = (cells for row in reader if any(cells := [" ".join(c.split()) for c in row]))
            head = list(islice(rows, N_LOOKED_AT))
            header = find_header(head)
            names = _names(header)
            preamble = [", ".join(filter(None, row)) for row in head[: header.preamble]]
            yield from _record("\n".join(preamble), "", title, (), atomic=False)
            for row in chain(head[header.preamble + header.n_names :], rows):
                n_rows += 1
                fields = _named(names, row)
                text = "; ".join(f"{name}: {value}" for name, value in fields)
                context.keep_record(fields, text)
                cost = count_tokens(text)
                if group and n_tokens + cost > max_tokens:
                    yield from _record("\n".join(group), f"row-{first_row}", title, ())
                    group, n_tokens, first_row = [], 0, n_rows
                group.append(text)
                n_tokens += cost
        except csv.Error as error:
            raise ParseError(
                f"The table can't be read beyond line {reader.line_num}: {error}. Check the "
                "quotation marks there; one that is not closed swallows what follows.",
                source=source.path,
                locator=Locator(anchor=f"L{reader.line_num}"),
            ) from error
    if names and not n_rows:
        group = [", ".join(names)]
    if not group:
        raise ParseError(
            "The table is empty. Remove the file, or fill it and sync again.", source=source.path
        )
    yield from _record("\n".join(group), f"row-{first_row}", title, ())


def _delimiter(sample: str) -> str:
    """The delimiter under which most rows have the same number of columns, at least two.

    ``csv.Sniffer`` takes letters for delimiters in tables of one column.
    """
    lines = sample.splitlines()[:200]
    # The sample may end inside a row.
    lines = lines[:-1] if len(lines) > 1 and len(sample) == _SNIFFED_CHARS else lines
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        most = max(set(widths), key=lambda width: (widths.count(width), width), default=1)
        # More columns break ties: a decimal comma splits rows evenly, too.
        score = widths.count(most) / len(widths) + most / 1000 if most > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _names(header: Header) -> list[str]:
    return [name or f"column {i}" for i, name in enumerate(header.names, start=1)]


def _named(names: Sequence[str], row: Sequence[str]) -> list[tuple[str, str]]:
    """The cells of a row with the names of their columns, empty ones left out."""
    return [
        (names[i] if i < len(names) else f"column {i + 1}", cell)
        for i, cell in enumerate(row)
        if cell
    ]
