"""What the Library page and its banner do with files, over the page's own events."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from fastapi.testclient import TestClient
from gradio_events import event_of, send_event
from made_home import pump_service
from PIL import Image, ImageDraw, ImageFont

from kb.config.loading import load_config
from kb.errors import MassDeleteError
from kb.types import Filters, Outcome, Query
from ui.http.server import make_server_app
from ui.service.folders import root_key
from ui.service.service import Service
from ui.web.looked import ADDRESS_FIELDS

LOCAL = "http://127.0.0.1:7860"
ALL = ["all", "", None]
NOTES = {
    "lamp.md": "# Lamp\n\nThe lamp glows blue while it charges.\n",
    "gate.md": "# Gate\n\nThe gate opens at seven in the morning.\n",
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, TestClient]]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(home))
        with pump_service(home, is_synced=False) as service:
            # Syncs are run by the tests, each when it is its turn.
            patch.setattr(service, "sync_soon", lambda: None)
            app = make_server_app(service, token="t0ken")
            with TestClient(app, base_url=LOCAL, headers={"Origin": LOCAL}) as client:
                yield service, client


@pytest.fixture
def service(opened: tuple[Service, TestClient]) -> Service:
    """On three notes, all indexed."""
    service, _ = opened
    for name, content in NOTES.items():
        (service.home.library / name).write_text(content)
    service.sync(allow_mass_delete=True)
    return service


@pytest.fixture
def client(opened: tuple[Service, TestClient]) -> TestClient:
    return opened[1]


def send(client: TestClient, elem_id: str, name: str, data: list[Any], /, **event: Any) -> str:
    """What came of an event, as the page is told it."""
    found = event_of(client, elem_id, name)
    target = next(part for part, what in found["targets"] if what == name)
    messages = send_event(client, found, data, trigger_id=target, event_data=event)
    (done,) = [message for message in messages if message.get("msg") == "process_completed"]
    assert done["success"], done
    return json.dumps(done["output"]["data"], ensure_ascii=False)


def part(client: TestClient, elem_id: str, **headers: str) -> str:
    """A part of the page as it is when the page is opened."""
    page = client.get("/", headers=headers).text
    config = re.search(r"window\.gradio_config = (\{.*?\});</script>", page)
    assert config is not None
    parts = json.loads(config[1])["components"]
    return next(
        str(one["props"]["value"]) for one in parts if one["props"].get("elem_id") == elem_id
    )


def sources(service: Service) -> list[str]:
    return [file.source for file in service.files()]


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def hold(service: Service) -> None:
    """Two of three notes go, and one comes."""
    library = service.home.library
    (library / "lamp.md").unlink()
    (library / "gate.md").unlink()
    put(library / "horn.md", "# Horn\n\nThe horn is brass.\n")
    with pytest.raises(MassDeleteError) as stopped:
        service.sync()
    changes = {one.source: one.outcome for one in stopped.value.changes}
    assert changes == {
        "gate.md": Outcome.REMOVED,
        "lamp.md": Outcome.REMOVED,
        "horn.md": Outcome.ADDED,
    }


@pytest.fixture
def held(service: Service) -> Iterator[Service]:
    hold(service)
    yield service
    (service.home.library / "horn.md").unlink(missing_ok=True)


def test_a_held_sync_is_told_on_every_page_with_what_it_would_do(
    held: Service, client: TestClient
) -> None:
    banner = part(client, "kb-held", **{"Accept-Language": "en"})
    assert "2 files of the index are gone" in banner
    assert all(name in banner for name in ("lamp.md", "gate.md", "horn.md"))
    assert "索引正在等待您的决定" in part(client, "kb-held", **{"Accept-Language": "zh-CN"})
    send(client, "kb-held", "submit", [], what="something else")
    assert held.held is not None
    held.sync(allow_mass_delete=True)
    assert part(client, "kb-held") == ""


def test_approved_files_leave_the_index_and_no_others(held: Service, client: TestClient) -> None:
    assert "kb-held" not in send(client, "kb-held", "submit", [], what="remove")
    # What goes after it was asked about is asked about anew.
    (held.home.library / "pump.md").rename(held.home.path / "pump.md")
    with pytest.raises(MassDeleteError, match="more than half"):
        held.sync()
    (held.home.path / "pump.md").rename(held.home.library / "pump.md")
    assert held.sync().counts[Outcome.REMOVED] == 2
    assert sources(held) == ["horn.md", "pump.md"]
    assert held.held is None


def test_files_that_are_kept_still_answer_and_all_else_is_indexed(
    held: Service, client: TestClient
) -> None:
    send(client, "kb-held", "submit", [], what="keep")
    assert held.sync().counts[Outcome.ADDED] == 1
    assert held.sync().counts[Outcome.REMOVED] == 0
    assert sources(held) == ["gate.md", "horn.md", "lamp.md", "pump.md"]
    # One of them comes back, and goes for good.
    put(held.home.library / "lamp.md", NOTES["lamp.md"])
    held.sync()
    (held.home.library / "lamp.md").unlink()
    assert held.sync().counts[Outcome.REMOVED] == 1
    assert sources(held) == ["gate.md", "horn.md", "pump.md"]


def test_a_missing_folder_can_be_kept_until_it_is_back(
    service: Service, client: TestClient, tmp_path: Path
) -> None:
    drive = tmp_path / "drive"
    put(drive / "siren.md", "# Siren\n\nThe siren wails at noon.\n")
    service.sync([drive])
    drive.rename(tmp_path / "unplugged")
    with pytest.raises(MassDeleteError, match="Connect the drive"):
        service.sync()
    assert "siren.md" in part(client, "kb-held")
    send(client, "kb-held", "submit", [], what="keep")
    with suppress(MassDeleteError):
        service.sync()
    assert service.held is None
    assert "siren.md" in sources(service)
    (tmp_path / "unplugged").rename(drive)
    assert service.sync().counts[Outcome.UNCHANGED] >= 1
    service.syncer.forget(drive)


def ids_of(answer: str) -> list[str]:
    undo = re.search(r'data-undo=\\"([0-9a-f ]+)\\"', answer)
    assert undo is not None
    return undo[1].split()


def test_several_files_are_deleted_and_taken_back(service: Service, client: TestClient) -> None:
    library = service.home.library
    before = sources(service)
    answer = send(client, "kb-files", "many", ALL, what="remove", sources=["lamp.md", "gate.md"])
    assert "2 files are in the trash." in answer
    assert sources(service) == ["pump.md"]
    assert not (library / "lamp.md").exists()
    # A sync finds nothing to ask about.
    assert service.sync().counts[Outcome.REMOVED] == 0
    answer = send(client, "kb-notice", "undo", ALL, ids=ids_of(answer))
    assert "2 files were put back" in answer
    assert service.sync().counts[Outcome.ADDED] == 2
    assert sources(service) == before
    assert (library / "lamp.md").read_text() == NOTES["lamp.md"]
    assert service.shelf.trash.find() == []


def test_a_deleted_file_is_in_the_trash_until_it_is_emptied(
    service: Service, client: TestClient
) -> None:
    answer = send(client, "kb-files", "remove", ALL, source="lamp.md")
    assert "lamp.md is in the trash." in answer
    (trash_id,) = ids_of(answer)
    assert trash_id in part(client, "kb-trash")
    assert "1 file was put back" in send(
        client, "kb-trash", "submit", ALL, what="restore", id=trash_id
    )
    assert "not in the trash any more" in send(
        client, "kb-trash", "submit", ALL, what="restore", id=trash_id
    )
    send(client, "kb-files", "remove", ALL, source="lamp.md")
    assert "1 file was deleted for good." in send(
        client, "kb-trash", "submit", ALL, what="empty", id=""
    )
    assert part(client, "kb-trash") == ""
    assert list(service.home.trash.iterdir()) == []
    answer = send(client, "kb-files", "many", ALL, what="remove", sources=["lamp.md", "../kb.yaml"])
    assert "1 file was gone already." in answer
    assert "does not lie in the library" in answer


def test_subtitles_go_with_their_video(service: Service, client: TestClient) -> None:
    library = service.home.library
    put(library / "tour.mp4", "no video")
    put(library / "tour.srt", "1\n00:00:01,000 --> 00:00:02,000\nTurn it.\n")
    service.sync()
    answer = send(client, "kb-files", "remove", ALL, source="tour.mp4")
    assert not (library / "tour.srt").exists()
    send(client, "kb-notice", "undo", ALL, ids=ids_of(answer))
    assert (library / "tour.srt").exists()
    service.sync()
    send(client, "kb-files", "remove", ALL, source="tour.mp4")
    assert service.sync().counts[Outcome.ADDED] == 0


def test_files_are_read_again_whether_they_failed_or_not(
    service: Service, client: TestClient
) -> None:
    answer = send(client, "kb-files", "many", ALL, what="read", sources=["pump.md", "gate.md"])
    assert "2 files will be read again." in answer
    outcomes = {one.source: one.outcome for one in service.sync().files}
    assert outcomes["pump.md"] is outcomes["gate.md"] is Outcome.UPDATED
    assert outcomes["lamp.md"] is Outcome.UNCHANGED


def scan(path: Path, words: str) -> None:
    picture = Image.new("RGB", (420, 80), "white")
    ImageDraw.Draw(picture).text((10, 20), words, "black", ImageFont.load_default(34))
    picture.save(path)


def read_in_pictures(service: Service) -> list[str]:
    return [path.read_text() for path in (service.home.index / "ocr").glob("[0-9a-f][0-9a-f]/*")]


def test_what_was_read_in_a_file_goes_with_it_for_good(
    service: Service, client: TestClient
) -> None:
    library = service.home.library
    scan(library / "secret.png", "Project Larkspur")
    scan(library / "other.png", "Visitors welcome")
    scan(library / "same as secret.png", "Project Larkspur")
    service.sync()
    assert len(read_in_pictures(service)) == 2
    send(client, "kb-files", "remove", ALL, source="secret.png")
    send(client, "kb-trash", "submit", ALL, what="empty", id="")
    assert len(read_in_pictures(service)) == 2  # another file has the same content
    send(client, "kb-files", "remove", ALL, source="same as secret.png")
    service.sync()
    assert len(read_in_pictures(service)) == 2  # it may come back
    send(client, "kb-trash", "submit", ALL, what="empty", id="")
    (left,) = read_in_pictures(service)
    assert "Larkspur" not in left
    # Likewise of what is deleted in the folder itself.
    (library / "other.png").unlink()
    service.sync()
    assert read_in_pictures(service) == []


def test_list_is_looked_into_by_folder_and_sorted(service: Service, client: TestClient) -> None:
    put(service.home.library / "talks" / "deep" / "horn.md", "# Horn\n\nThe horn is brass.\n" * 9)
    service.sync()
    assert 'data-folder=\\"talks/\\"' in json.dumps(part(client, "kb-files"))
    root = root_key(str(service.home.library))
    answer = send(client, "kb-files", "folder", ALL, root=root, folder="talks/")
    assert re.findall(r'data-pick=\\"([^"]*)\\"', answer) == ["talks/deep/horn.md"]
    assert "talks/deep/" in answer
    assert '"chosen ?folder=talks/"' in answer
    answer = send(client, "kb-files", "sort", ALL, order="size")
    assert re.findall(r'data-pick=\\"([^"]*)\\"', answer)[0] == "talks/deep/horn.md"
    assert '"chosen ?sort=-size"' in answer


def test_all_files_that_match_are_selected(service: Service, client: TestClient) -> None:
    answer = send(client, "kb-files", "all", ["all", "a", None])
    found = json.loads(json.loads(answer)[0])
    matching = [source for source in sources(service) if "a" in source]
    assert len(matching) < len(sources(service))
    assert (found["ours"], found["others"]) == (matching, [])


def test_list_is_looked_into_by_its_address(service: Service, client: TestClient) -> None:
    put(service.home.library / "talks" / "horn.html", "<p>The horn is brass.</p>")
    put(service.home.library / "talks" / "horn.md", "The horn is made of brass.")
    service.sync()
    fields = dict.fromkeys(ADDRESS_FIELDS, "")
    answer = send(client, "kb-files", "look", [], **fields | {"folder": "talks", "kind": "html"})
    assert re.findall(r'data-pick=\\"([^"]*)\\"', answer) == ["talks/horn.html"]
    assert '"came ?folder=talks/&kind=html"' in answer
    answer = send(client, "kb-files", "look", [], **fields | {"sort": "-name", "page": "99"})
    assert re.findall(r'data-pick=\\"([^"]*)\\"', answer)[-1] == "gate.md"
    assert '"came ?sort=-name"' in answer
    answer = send(client, "kb-files", "look", [], **fields | {"status": "failed", "name": "horn"})
    assert "No file matches" in answer
    assert '"came ?status=failed&name=horn", "failed", "horn"' in answer


def test_files_are_renamed_and_moved_and_nothing_is_read_for_it(
    service: Service, client: TestClient
) -> None:
    library = service.home.library
    ids = service.kb.ledger.chunk_ids()
    answer = send(client, "kb-files", "rename", ALL, source="lamp.md", target="light/Lamp 2.md")
    assert "lamp.md is light/Lamp 2.md now." in answer
    assert (library / "light" / "Lamp 2.md").read_text() == NOTES["lamp.md"]
    answer = send(
        client, "kb-files", "many", ALL, what="move", sources=["pump.md", "gate.md"], folder="kept"
    )
    assert "2 files were moved." in answer
    # Beside them may stand what other tests left.
    assert {"kept/gate.md", "kept/pump.md", "light/Lamp 2.md"} <= set(sources(service))
    assert not set(sources(service)) & NOTES.keys()
    assert service.kb.ledger.chunk_ids() == ids
    in_kept = service.search(Query(text="pump", filters=Filters(folders=("kept",)))).hits
    assert {hit.source for hit in in_kept} == {"kept/gate.md", "kept/pump.md"}
    report = service.sync()
    assert {one.outcome for one in report.files} <= {Outcome.UNCHANGED, Outcome.FAILED}
    answer = send(client, "kb-files", "rename", ALL, source="kept/pump.md", target="kept/gate.md")
    assert "is there already" in answer
    for name in ("pump.md", "gate.md"):
        send(client, "kb-files", "rename", ALL, source=f"kept/{name}", target=name)
    assert "pump.md" in sources(service)


def test_subtitles_are_moved_with_their_video(service: Service, client: TestClient) -> None:
    library = service.home.library
    put(library / "tour.mp4", "no video")
    put(library / "tour.en.srt", "1\n00:00:01,000 --> 00:00:02,000\nTurn it.\n")
    service.sync()
    send(client, "kb-files", "rename", ALL, source="tour.mp4", target="films/walk.mp4")
    assert sorted(path.name for path in (library / "films").iterdir()) == [
        "walk.en.srt",
        "walk.mp4",
    ]
    outcomes = {one.source: one.outcome for one in service.sync().files}
    assert outcomes["films/walk.mp4"] is Outcome.UNCHANGED
    assert "films/walk.en.srt" not in outcomes
    send(client, "kb-files", "remove", ALL, source="films/walk.mp4")


def test_the_librarys_folder_is_shown_to_its_owner_alone(
    service: Service, client: TestClient
) -> None:
    assert str(service.home.library) in part(client, "kb-where")
    app = make_server_app(service, token="t0ken", password="pass word")
    with TestClient(app, base_url=LOCAL, headers={"Origin": LOCAL}) as shared:
        page = shared.get("/", auth=("kb", "pass word"))
        assert page.status_code == 200
        assert str(service.home.library) not in page.text


def test_a_locked_pdf_is_read_with_its_password(service: Service, client: TestClient) -> None:
    pdf = pymupdf.open()
    pdf.new_page().insert_text((72, 90), "The vault opens with the left key.")
    locked = service.home.library / "vault.pdf"
    pdf.save(locked, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="geheim 7", owner_pw="o")
    service.sync()
    assert 'data-act="unlock"' in part(client, "kb-files")
    for password in ("wrong", ""):
        send(client, "kb-files", "unlock", ALL, source="vault.pdf", password=password)
        service.sync()
        assert 'data-act="unlock"' in part(client, "kb-files")
    send(client, "kb-files", "unlock", ALL, source="vault.pdf", password="geheim 7")
    outcomes = {one.source: one.outcome for one in service.sync().files}
    assert outcomes["vault.pdf"] in (Outcome.ADDED, Outcome.UPDATED)
    assert 'data-act="unlock"' not in part(client, "kb-files")
    assert service.search(Query(text="which key opens the vault")).hits[0].source == "vault.pdf"
    # For a new process, too.
    assert "geheim 7" in load_config(service.home).ingest.pdf_passwords
