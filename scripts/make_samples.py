"""Make the files of ``data/samples`` anew: ``python scripts/make_samples.py [FOLDER]``.

Everything is drawn and written by ``scripts/samples``; nothing is taken from elsewhere. The
company, its products, people and figures are invented. The PDFs embed glyphs of Noto Sans and
Noto Serif CJK (SIL Open Font License 1.1); pictures are set in them and, on the scanned page, in
Liberation Mono (same licence). Needs the ``dev`` extra, fontTools and both fonts
(``fonts-noto-cjk``, ``fonts-liberation``), and takes a few minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.samples import (  # noqa: E402  the repository's root must be importable first
    manual_en,
    manual_zh,
    newsletter,
    office,
    pictures,
    texts,
    video,
    web,
)


def main() -> None:
    """Write every sample below the folder given, else ``data/samples``."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "data" / "samples"
    manuals = folder / "manuals"
    manual_en.write(manuals / "Breeze 300 User Manual.pdf")
    manual_zh.write(manuals / "微风300空气净化器使用说明书.pdf")
    newsletter.write(folder / "Clean Air Quarterly Spring 2026.pdf")
    pictures.write(folder / "pictures")
    web.write(folder / "web")
    texts.write(folder)
    office.write(folder / "office")
    video.write(folder / "video")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        print(f"{path.stat().st_size:>9,}  {path.relative_to(folder)}")


if __name__ == "__main__":
    main()
