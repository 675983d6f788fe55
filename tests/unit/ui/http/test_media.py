"""Files by id: ranges, headers that keep documents from running, and nothing by path."""

from __future__ import annotations

import asyncio
import io
import threading
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from made_shelf import PAGE_TEXT, MadeShelf
from PIL import Image

from kb.types import Kind
from ui.http.headers import Policies
from ui.http.media import STATIC_FILES, media_router


def fetch(shelf: MadeShelf, url: str, **headers: str) -> httpx.Response:
    """GET within the process: no socket is opened."""
    app = FastAPI()
    app.include_router(media_router(shelf))

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(Policies(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://kb") as client:
            return await client.get(url, headers=headers)

    return asyncio.run(get())


def original(shelf: MadeShelf, chunk_id: str) -> str:
    return f"/media/documents/{shelf.chunks[chunk_id].document_sha256}/original"


def test_asset_is_served_with_its_type_and_kept(shelf: MadeShelf) -> None:
    ref = shelf.chunks["picture"].image
    assert ref is not None
    response = fetch(shelf, f"/media/assets/{ref.sha256}")
    assert response.status_code == 200
    assert response.content == shelf.assets.read(ref)
    assert response.headers["content-type"] == "image/png"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in response.headers["cache-control"]


def test_what_is_said_is_served_as_a_text_track(shelf: MadeShelf) -> None:
    sha256 = shelf.chunks["talk"].document_sha256
    response = fetch(shelf, f"/media/documents/{sha256}/words.vtt?track=speech:en")
    assert response.headers["content-type"] == "text/vtt; charset=utf-8"
    assert "sandbox" in response.headers["content-security-policy"]
    assert response.text.startswith(
        "WEBVTT\n\n00:00:03.200 --> 00:00:05.000\nOil it monthly.\n\n00:01:05.000 --> "
    )
    assert "<" not in response.text
    for other in ("0" * 64, "x", shelf.chunks["web"].document_sha256):
        found = fetch(shelf, f"/media/documents/{other}/words.vtt?track=speech:en")
        assert found.status_code == 404
    for track in ("speech:de", "speech", "screen:", ""):
        found = fetch(shelf, f"/media/documents/{sha256}/words.vtt?track={track}")
        assert found.status_code == 404


def test_thumbnail_is_a_small_jpeg_of_the_same_shape(shelf: MadeShelf) -> None:
    sha256 = shelf.chunks["pdf"].document_sha256
    response = fetch(shelf, f"/media/documents/{sha256}/pages/1/thumbnail")
    assert response.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(response.content)) as picture:
        assert picture.size == (240, 320)


def test_page_image_is_the_page_that_was_asked(shelf: MadeShelf) -> None:
    sha256 = shelf.chunks["pdf"].document_sha256
    response = fetch(shelf, f"/media/documents/{sha256}/pages/2")
    assert response.content == shelf.assets.read(shelf.pages[sha256, 2])
    assert fetch(shelf, f"/media/documents/{sha256}/pages/3").status_code == 404


def test_a_picture_that_a_sync_deletes_is_there_or_is_not(shelf: MadeShelf) -> None:
    ref = shelf.chunks["picture"].image
    assert ref is not None
    path, data = shelf.asset_path(ref), shelf.assets.read(ref)
    is_over = threading.Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            path.unlink(missing_ok=True)
            # As the asset store does: whole or not at all.
            written = path.with_suffix(".new")
            written.write_bytes(data)
            written.replace(path)

    changing = threading.Thread(target=come_and_go)
    changing.start()
    try:
        for _ in range(200):
            response = fetch(shelf, f"/media/assets/{ref.sha256}")
            assert response.status_code in (200, 404)
            assert response.status_code == 404 or response.content == data
    finally:
        is_over.set()
        changing.join()


@pytest.mark.parametrize("end", ["", "/thumbnail"])
def test_a_picture_that_is_gone(shelf: MadeShelf, end: str) -> None:
    ref = shelf.chunks["picture"].image
    assert ref is not None
    shelf.asset_path(ref).unlink()
    assert fetch(shelf, f"/media/assets/{ref.sha256}{end}").status_code == 404


def test_video_answers_a_range(shelf: MadeShelf) -> None:
    response = fetch(shelf, original(shelf, "clip"), Range="bytes=256-511")
    assert response.status_code == 206
    assert response.content == bytes(range(256))
    assert response.headers["content-range"] == "bytes 256-511/10240"
    assert response.headers["content-type"] == "video/mp4"


def test_range_beyond_the_file_is_refused(shelf: MadeShelf) -> None:
    assert fetch(shelf, original(shelf, "clip"), Range="bytes=99999-").status_code == 416


def test_pdf_is_shown_under_its_own_name(shelf: MadeShelf) -> None:
    headers = fetch(shelf, original(shelf, "pdf")).headers
    name = quote("手册 manual.pdf")
    assert headers["content-disposition"] == f"inline; filename*=utf-8''{name}"
    assert headers["content-type"] == "application/pdf"


@pytest.mark.parametrize(
    ("name", "kind", "media_type"),
    [
        ("page.html", Kind.HTML, "text/html"),
        ("page.xhtml", Kind.HTML, "application/xhtml+xml"),
        ("drawing.svg", Kind.IMAGE, "image/svg+xml"),
    ],
)
def test_documents_that_could_run_are_sandboxed(
    shelf: MadeShelf, name: str, kind: Kind, media_type: str
) -> None:
    sha256 = shelf.add_file(name, b"<script>alert(document.cookie)</script>", kind, media_type)
    headers = fetch(shelf, f"/media/documents/{sha256}/original").headers
    policy = headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "allow" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"] == media_type


@pytest.mark.parametrize(("chunk", "needs"), [("pdf", "object-src"), ("clip", "media-src")])
def test_what_a_sandbox_would_not_show_may_load_itself_alone(
    shelf: MadeShelf, chunk: str, needs: str
) -> None:
    policy = fetch(shelf, original(shelf, chunk)).headers["content-security-policy"]
    directives = dict(directive.split(" ", 1) for directive in policy.split("; "))
    assert directives.pop(needs) == "'self'"
    assert directives.pop("style-src") == "'unsafe-inline'"
    assert directives.pop("default-src") == "'none'"
    assert set(directives.values()) == {"'none'"}


def test_text_claims_no_charset_it_may_not_have(shelf: MadeShelf) -> None:
    sha256 = shelf.add_file("旧.txt", "说明".encode("gb18030"), Kind.TEXT, "text/plain")
    assert fetch(shelf, f"/media/documents/{sha256}/original").headers["content-type"] == (
        "text/plain"
    )


def test_office_file_is_downloaded(shelf: MadeShelf) -> None:
    media_type = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    sha256 = shelf.add_file("plan.pptx", b"PK", Kind.OFFICE, media_type)
    headers = fetch(shelf, f"/media/documents/{sha256}/original").headers
    assert headers["content-disposition"] == 'attachment; filename="plan.pptx"'


@pytest.mark.parametrize(
    "url",
    [
        "/media/assets/" + "0" * 64,
        "/media/assets/..%2f..%2fetc%2fpasswd",
        "/media/documents/" + "0" * 64 + "/original",
        "/media/documents/..%2f..%2fkb.yaml/original",
        "/media/static/..%2fapp.py",
        "/media/static/app.py",
        "/media/view/no-such-chunk",
    ],
)
def test_what_the_ledger_does_not_know_is_not_found(shelf: MadeShelf, url: str) -> None:
    assert fetch(shelf, url).status_code == 404


def test_original_that_was_deleted_is_not_found(shelf: MadeShelf) -> None:
    (shelf.library / "tour.mp4").unlink()
    response = fetch(shelf, original(shelf, "clip"))
    assert response.status_code == 404
    assert "no longer in the library" in response.text


def test_viewer_content_marks_the_range_and_runs_nothing(shelf: MadeShelf) -> None:
    response = fetch(shelf, f"/media/view/pdf?start=6&end={6 + len(PAGE_TEXT)}")
    assert f'<mark class="kb-quote">{PAGE_TEXT}</mark>' in response.text
    assert response.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize("name", sorted(STATIC_FILES))
def test_own_files_are_served_and_load_nothing_from_elsewhere(shelf: MadeShelf, name: str) -> None:
    response = fetch(shelf, f"/media/static/{name}")
    assert response.status_code == 200
    without_namespace = response.text.replace("http://www.w3.org/2000/svg", "")
    assert "http" not in without_namespace
    assert "@import" not in without_namespace
