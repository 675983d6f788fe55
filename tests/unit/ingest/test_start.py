"""What a sync of unchanged files must not wait for."""

from __future__ import annotations

import subprocess
import sys

# Slow to import, and needed only to open a file.
HEAVY = "av bs4 cv2 decord langchain_core markitdown pandas pymupdf rapidocr trafilatura".split()


def loaded_by(code: str) -> set[str]:
    """The modules a fresh process has loaded after `code`."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(told.stdout.split())


def test_the_versions_of_all_parsers_are_known_without_their_libraries() -> None:
    loaded = loaded_by(
        "import ingest.sync\nfrom ingest.parsers import parser_for\nparser_for('text/plain')"
    )
    assert "ingest.parsers.pdf.parser" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_a_process_that_reads_files_has_no_http_client() -> None:
    assert "httpx" not in loaded_by("import ingest.worker")


def test_mupdf_comes_without_its_layout_models() -> None:
    loaded = loaded_by(
        "from ingest.parsers.pdf.mupdf import pymupdf\nassert pymupdf._get_layout is None"
    )
    assert "pymupdf" in loaded
    assert "pymupdf.layout.DocumentLayoutAnalyzer" not in loaded
