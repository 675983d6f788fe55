"""Tables of web pages as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

__all__ = [
    "inline_text",
    "is_data_table",
    "markdown_table",
    "move_out_inner_tables",
    "table_markdown",
]

_MAX_COLUMNS = 100
_MAX_SPAN_ROWS = 1000
_LAYOUT_CELL_CHARS = 300
_APART = frozenset({"br", "p", "div", "li", "ul", "ol", "dt", "dd", "tr", "td", "th", "hr"})


def is_data_table(table: etree._Element) -> bool:
    """Whether `table` holds rows of data, not the layout of a page: at least two rows and two
    columns, no table or heading inside, and cells that are no articles."""
    if table.get("role") in ("presentation", "none"):
        return False
    if next(table.iterdescendants("table", "h1", "h2", "h3", "h4", "h5", "h6"), None) is not None:
        return False
    rows = [_cells(row) for row in table.iterdescendants("tr")]
    n_cells = sum(len(cells) for cells in rows)
    if len(rows) < 2 or max(len(cells) for cells in rows) < 2:
        return False
    n_chars = sum(len(text) for text in table.itertext())
    return n_chars <= _LAYOUT_CELL_CHARS * n_cells


def table_markdown(table: etree._Element) -> str:
    """The table with its caption above it; spanned cells repeat their text in every row and
    stand once in their columns."""
    caption = next(table.iterdescendants("caption"), None)
    lines = [inline_text(caption)] if caption is not None and inline_text(caption) else []
    rows = list(_grid(table))
    if rows:
        lines.append(markdown_table(rows))
    return "\n".join(lines)


def markdown_table(rows: list[list[str]]) -> str:
    """`rows` as a Markdown table whose header is the first row."""
    n_columns = max(len(row) for row in rows)
    lines = [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row)
        + " |" * (1 + n_columns - len(row))
        for row in rows
    ]  # fmt: skip
    lines.insert(1, "|" + " --- |" * n_columns)
    return "\n".join(lines)


def move_out_inner_tables(root: etree._Element) -> None:
    """Put a table in another's cell behind that one."""
    for table in list(root.iter("table")):
        for inner in reversed(list(table.iterdescendants("table"))):
            tail, inner.tail = inner.tail, None
            before, above = inner.getprevious(), inner.getparent()
            if before is not None:
                before.tail = (before.tail or "") + (tail or "")
            elif above is not None:
                above.text = (above.text or "") + (tail or "")
            table.addnext(inner)


def _grid(table: etree._Element) -> Iterator[list[str]]:
    hanging: dict[int, tuple[int, str]] = {}
    for row in table.iterdescendants("tr"):
        cells: list[str] = []
        for cell in _cells(row):
            _hang(cells, hanging)
            text = inline_text(cell)
            n_columns = _span(cell, "colspan", _MAX_COLUMNS)
            n_rows = _span(cell, "rowspan", _MAX_SPAN_ROWS)
            for i in range(min(n_columns, _MAX_COLUMNS - len(cells))):
                if n_rows > 1:
                    hanging[len(cells)] = (n_rows - 1, "" if i else text)
                cells.append("" if i else text)
        _hang(cells, hanging)
        if any(cells):
            yield cells


def _hang(cells: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    """Put the cells that rows above let hang down to here."""
    while len(cells) in hanging:
        n_left, text = hanging.pop(len(cells))
        if n_left > 1:
            hanging[len(cells)] = (n_left - 1, text)
        cells.append(text)


def _cells(row: etree._Element) -> list[etree._Element]:
    return [cell for cell in row if cell.tag in ("td", "th")]


def _span(cell: etree._Element, name: str, most: int) -> int:
    value = cell.get(name, "1").strip()
    return min(max(int(value), 1), most) if value.isascii() and value.isdigit() else 1


def inline_text(element: etree._Element) -> str:
    """The text of a heading or cell on one line; blocks in it are set apart by blanks."""
    if not len(element):
        return " ".join((element.text or "").split())
    parts: list[str] = []
    for event, current in etree.iterwalk(element, events=("start", "end")):
        if current.tag in _APART:
            parts.append(" ")
        if event == "start":
            parts.append(current.text or "")
        elif current is not element:
            parts.append(current.tail or "")
    return " ".join("".join(parts).split())
