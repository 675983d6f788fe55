"""What decodes a video reaches that video, and nothing else."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from made_videos import BLUE, RED, make_video, plain
from PIL import Image

from ingest.confined import confined, confined_items
from ingest.decode.containers import open_container, probe
from ingest.decode.frames import frames_of_clip, n_samples, read_with_decord
from kb.config import IngestConfig
from kb.errors import IngestError, ParseError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")

SECRET = "the secret of another file"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_video(tmp_path / "a.mp4", [(plain(RED), 1), (plain(BLUE), 1)])


@pytest.mark.parametrize(
    "reach",
    [
        lambda folder: (folder / "secret.txt").read_text(),
        lambda folder: (folder / "a.mp4").open("r+b"),
        lambda folder: (folder / "new.txt").write_text("x"),
        lambda folder: (folder / "secret.txt").unlink(),
        lambda folder: (folder / "secret.txt").rename(folder / "b.txt"),
        lambda folder: [*folder.iterdir()],
        lambda folder: (folder / "link").symlink_to("/etc/passwd"),
        lambda folder: Path("/etc/passwd").read_text(),
        lambda folder: Path("/proc/self/environ").read_text(),
        lambda folder: socket._socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        lambda folder: socket._socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
        lambda folder: socket._socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        lambda folder: subprocess.run([sys.executable, "-c", ""]),
        lambda folder: os.execv("/bin/true", ["true"]),
    ],
)
def test_nothing_else_is_reached(video: Path, reach: Callable[[Path], object]) -> None:
    (video.parent / "secret.txt").write_text(SECRET)

    def work() -> bytes:
        with pytest.raises(PermissionError):
            reach(video.parent)
        return video.read_bytes()

    assert confined(work, video) == video.read_bytes()
    # What this thread may do is as it was.
    assert (video.parent / "secret.txt").read_text() == SECRET


def test_threads_that_it_starts_are_bound_as_well(video: Path) -> None:
    found: list[object] = []

    def work() -> None:
        def read() -> None:
            try:
                found.append(Path("/etc/passwd").read_text())
            except PermissionError as error:
                found.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        thread.join()

    confined(work, video)
    assert isinstance(found[0], PermissionError)


def test_items_come_in_order_and_errors_through(video: Path) -> None:
    def make() -> Iterator[int]:
        yield from range(20)
        raise ParseError("the end")

    got: list[int] = []
    with pytest.raises(ParseError, match="the end"):
        got.extend(confined_items(make, video))
    items = confined_items(lambda: iter(range(1000)), video)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    items.close()
    assert not [one for one in threading.enumerate() if one.name == "confined"]
    with pytest.raises(ParseError, match="at once"):
        confined(lambda: (_ for _ in ()).throw(ParseError("at once")), video)


def test_both_readers_read(video: Path) -> None:
    info = confined(lambda: probe(video, 10**9), video)
    assert info.is_healthy
    samples = [*confined_items(lambda: read_with_decord(info, 1.0, 0.0), video)]
    assert len(samples) == n_samples(info, 1.0) == 2
    for reader in ("decord", "pyav"):
        config = IngestConfig.model_validate({"video": {"reader": reader}})
        assert len(confined(lambda c=config: frames_of_clip(video, c), video)) == 2  # type: ignore[misc]


# -- videos that name other files and addresses -------------------------------------------------


@pytest.fixture
def listener() -> Iterator[tuple[int, list[object]]]:
    """A port that nobody may call, and who did."""
    calls: list[object] = []
    server = socket._socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.bind(("127.0.0.1", 0))
    server.listen()
    server.setblocking(False)
    yield server.getsockname()[1], calls
    try:
        calls.append(server._accept())
    except BlockingIOError:
        pass
    finally:
        server.close()
    assert not calls


def hls(folder: Path, port: int) -> bytes:
    return (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:{port}/a.ts\n"
        f"#EXTINF:1,\nfile://{folder}/secret.mp4\n#EXT-X-ENDLIST\n"
    ).encode()


def concat(folder: Path, port: int) -> bytes:
    return f"ffconcat version 1.0\nfile '{folder}/secret.mp4'\nfile 'secret.mp4'\n".encode()


def dash(folder: Path, port: int) -> bytes:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        f"<BaseURL>http://127.0.0.1:{port}/</BaseURL><AdaptationSet mimeType='video/mp4'>"
        "<Representation id='1'><BaseURL>secret.mp4</BaseURL></Representation></AdaptationSet>"
        "</Period></MPD>"
    ).encode()


def sdp(folder: Path, port: int) -> bytes:
    lines = f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n"
    return lines.encode()


def subtitle_script(folder: Path, port: int) -> bytes:
    return f"# VobSub index file, v7\nid: en, index: 0\nfile: {folder}/secret.mp4\n".encode()


def reference_movie(folder: Path, port: int) -> bytes:
    """A movie whose media lie in another file: its data reference is an alias, not itself."""
    whole = bytearray(make_video(folder / "whole.mp4", [(plain(RED), 1)]).read_bytes())
    url = f"file://{folder}/secret.mp4\0".encode()
    own = b"\x00\x00\x00\x0curl \x00\x00\x00\x01"
    other = (len(url) + 12).to_bytes(4, "big") + b"url \x00\x00\x00\x00" + url
    at = 0
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = whole.index(name, at)
        size = int.from_bytes(whole[at - 4 : at], "big") + len(other) - len(own)
        whole[at - 4 : at] = size.to_bytes(4, "big")
    at = whole.index(own, at)
    whole[at : at + len(own)] = other
    return bytes(whole)


@pytest.mark.parametrize("make", [hls, concat, dash, sdp, subtitle_script, reference_movie])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.avi", "a.m3u8"])
def test_no_video_leads_elsewhere(
    make: Callable[[Path, int], bytes],
    name: str,
    tmp_path: Path,
    listener: tuple[int, list[object]],
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    secret = make_video(folder / "secret.mp4", [(plain(BLUE), 2)])
    os.utime(secret, (1, 1))
    path = folder / name
    path.write_bytes(make(folder, listener[0]))
    for reader in ("auto", "decord", "pyav"):
        config = IngestConfig.model_validate({"video": {"reader": reader}})
        try:
            frames = confined(lambda c=config: frames_of_clip(path, c), path)  # type: ignore[misc]
        except IngestError:
            continue
        # A movie may show what it holds itself, which is red, and never the other's blue.
        assert make is reference_movie
        for frame in frames:
            red, _, blue = Image.open(BytesIO(frame.image.data)).resize((1, 1)).getpixel((0, 0))
            assert red > blue
    assert secret.stat().st_atime == 1


@pytest.mark.parametrize("make", [hls, concat, dash, sdp, subtitle_script])
def test_the_list_of_formats_alone_keeps_them_closed(
    make: Callable[[Path, int], bytes], tmp_path: Path, listener: tuple[int, list[object]]
) -> None:
    """Where the kernel has no such walls."""
    make_video(tmp_path / "secret.mp4", [(plain(BLUE), 2)])
    path = tmp_path / "a.mp4"
    path.write_bytes(make(tmp_path, listener[0]))
    with pytest.raises(ParseError), open_container(path):
        pass


def test_uncommon_codecs_are_not_for_decord(tmp_path: Path) -> None:
    common = make_video(tmp_path / "a.mp4", [(plain(RED), 1)])
    assert probe(common, 10**9).is_healthy
    import av

    uncommon = tmp_path / "b.mkv"
    with av.open(str(uncommon), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(10):
            frame = av.VideoFrame.from_image(plain(RED, (64, 64)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    info = probe(uncommon, 10**9)
    assert not info.is_healthy
    assert len(frames_of_clip(uncommon, IngestConfig())) == 1
    shutil.rmtree(tmp_path)
