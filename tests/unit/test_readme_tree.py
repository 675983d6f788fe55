"""The README's tree names what is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_what_the_tree_names_is_there() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    tree = readme.partition("```\nkb/  ")[2].partition("```")[0]
    above: list[str] = ["kb"]
    named = {"kb"}
    for line in tree.splitlines()[1:]:
        match = re.match(r"( *)((?:[\w./]+, )*[\w./]+)", line)
        assert match is not None, line
        del above[len(match[1]) // 2 :]
        names = [name.rstrip("/") for name in match[2].split(", ")]
        named |= {"/".join([*above, name]) for name in names}
        above.append(names[0])
    assert len(named) > 40
    assert not {path for path in named if not (ROOT / path).exists()}


def test_every_folder_of_the_product_is_in_it() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    tree = readme.partition("```\nkb/  ")[2].partition("```")[0]
    for package in ("kb", "ingest", "ui"):
        for folder in (path for path in (ROOT / package).iterdir() if path.is_dir()):
            if folder.name != "__pycache__":
                assert re.search(rf"^ +{folder.name}/ ", tree, re.MULTILINE), folder
