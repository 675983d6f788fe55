"""How much of a page's main content is found: ``python -m benchmarks.html DIR [--json]``.

DIR holds ``html/`` (pages as they were saved) and ``html-expected/`` (the same names, the
main content alone). Both sides are compared as bags of words, a Chinese, Japanese or Korean
character being a word: F1 of precision and recall over the multiset (order is not judged).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from lxml.html import document_fromstring

from ingest.parsers.base import ParseContext
from ingest.parsers.html.parser import HtmlParser
from kb.config import IngestConfig
from kb.types import Kind, Modality, Source

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
_MARKUP = re.compile(r"^\|[ |:-]+\|$|^```\w*$|^ *(?:-|\d+\.) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Score:
    """One page's agreement with what was expected, and the seconds its parsing took."""

    name: str
    f1: float
    precision: float
    recall: float
    parse_s: float


def words(text: str) -> Counter[str]:
    """How often each word occurs."""
    return Counter(_WORD.findall(text.lower()))


def extracted_text(page: Path) -> str:
    """What the parser gives of `page`: every section's text, every heading once; without the
    marks of Markdown."""
    source = Source(
        root=page.parent,
        path=page.name,
        media_type="text/html",
        kind=Kind.HTML,
        sha256=hashlib.sha256(page.read_bytes()).hexdigest(),
        size_bytes=page.stat().st_size,
        mtime_ns=page.stat().st_mtime_ns,
    )
    context = ParseContext(config=IngestConfig(), read_words=None, warn=lambda _: None)
    parts: list[str] = []
    before: tuple[str, ...] = ()
    for segment in HtmlParser().parse(source, context):
        if segment.modality is not Modality.TEXT:
            continue
        n_same = 0
        while n_same < min(len(before), len(segment.headings)) and (
            before[n_same] == segment.headings[n_same]
        ):
            n_same += 1
        new = segment.headings[n_same:]
        parts += [*new, segment.text] if segment.text not in new else new
        before = segment.headings
    return _MARKUP.sub("", "\n".join(parts))


def expected_text(page: Path) -> str:
    """The visible text of an expected page."""
    tree = document_fromstring(page.read_text("utf-8"))
    for element in tree.xpath("//script|//style|//noscript"):
        element.drop_tree()
    return " ".join(tree.itertext())


def score(page: Path, expected: Path) -> Score:
    """Compare the parser's text of `page` with `expected`."""
    start = time.perf_counter()
    found = words(extracted_text(page))
    parse_s = time.perf_counter() - start
    wanted = words(expected_text(expected))
    n_both = (found & wanted).total()
    precision = n_both / found.total() if found else 0.0
    recall = n_both / wanted.total() if wanted else 0.0
    f1 = 2 * n_both / (found.total() + wanted.total()) if n_both else 0.0
    return Score(page.name, f1, precision, recall, parse_s)


def run(folder: Path) -> list[Score]:
    """The score of every page of ``folder/html`` that has an expected page.

    Raises:
        FileNotFoundError: There is none.
    """
    pages = sorted((folder / "html").glob("*.html"))
    pairs = [(page, folder / "html-expected" / page.name) for page in pages]
    pairs = [pair for pair in pairs if pair[1].exists()]
    if not pairs:
        raise FileNotFoundError(f"{folder} must hold html/ and html-expected/ with the same names")
    return [score(*pair) for pair in pairs]


def main() -> int:
    """Print the scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        scores = run(arguments.folder)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    mean = sum(item.f1 for item in scores) / len(scores)
    if arguments.json:
        print(json.dumps({"mean_f1": mean, "files": [asdict(item) for item in scores]}))
        return 0
    for item in scores:
        print(
            f"{item.name:24} F1 {item.f1:.3f}  precision {item.precision:.3f}  "
            f"recall {item.recall:.3f}  {item.parse_s:6.2f} s"
        )
    print(f"{'mean':24} F1 {mean:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
