"""Gradio's own routes: every one of the installed version is served or refused on purpose."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gradio.utils import get_upload_folder
from starlette.routing import Mount

from ui.http.gradio_routes import SERVED
from ui.http.guard import Guard
from ui.http.headers import Policies
from ui.http.login import Login
from ui.web.app import mount_options

LOCAL = "http://127.0.0.1:7860"
OWN = {"Origin": LOCAL, "X-KB-Request": "1"}

# What the page does not need. A version of Gradio that adds a route fails the first test below:
# look at what the route does, then put it here or into `SERVED`.
REFUSED = {
    "GET": """
        /config /config/ /gradio_api/deep_link /logout /monitoring /monitoring/summary
        /monitoring/{key} /openapi.json /pwa_icon/{size} /robots.txt /svelte/{path:path}
        /gradio_api/app_id/ /gradio_api/call/v2/{api_name}/{event_id}
        /gradio_api/call/{api_name}/{event_id}
        /gradio_api/custom_component/{id}/{environment}/{type}/{file_name}
        /gradio_api/dev/reload /gradio_api/file/{path:path} /gradio_api/info /gradio_api/info/
        /gradio_api/login_check /gradio_api/login_check/ /gradio_api/openapi.json
        /gradio_api/proxy={url_path:path} /gradio_api/queue/status /gradio_api/runs
        /gradio_api/runs/ /gradio_api/startup-events
        /gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file
        /gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8
        /gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}
        /gradio_api/theme.css /gradio_api/token /gradio_api/token/ /gradio_api/user
        /gradio_api/user/ /gradio_api/vibe-code /gradio_api/vibe-code/
    """,
    "HEAD": "/openapi.json /gradio_api/proxy={url_path:path}",
    "POST": """
        /login /login/ /gradio_api/api/{api_name} /gradio_api/api/{api_name}/
        /gradio_api/call/v2/{api_name} /gradio_api/call/v2/{api_name}/
        /gradio_api/call/{api_name} /gradio_api/call/{api_name}/ /gradio_api/component_server
        /gradio_api/component_server/ /gradio_api/process_recording /gradio_api/reset/
        /gradio_api/run/{api_name} /gradio_api/run/{api_name}/ /gradio_api/stream/{event_id}
        /gradio_api/stream/{event_id}/close /gradio_api/undo-vibe-edit
        /gradio_api/undo-vibe-edit/ /gradio_api/vibe-code /gradio_api/vibe-code/
        /gradio_api/vibe-edit /gradio_api/vibe-edit/ /gradio_api/vibe-starter-queries
        /gradio_api/vibe-starter-queries/
    """,
}
Route = tuple[str, str]
REFUSED_ROUTES = {(method, path) for method, paths in REFUSED.items() for path in paths.split()}
SERVED_ROUTES = {(method, path) for path, methods in SERVED.items() for method in methods}


def routes_of(routes: object, prefix: str = "") -> Iterator[Route]:
    """Every method and path template, whatever they are nested in."""
    assert isinstance(routes, list)
    for route in routes:
        if isinstance(route, Mount):
            yield from routes_of(route.routes, prefix + route.path)
        elif hasattr(route, "original_router"):
            yield from routes_of(route.original_router.routes, prefix)
        else:
            for method in route.methods:
                yield method, prefix + route.path


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An upload folder with an upload, and with what never is one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield make_uploads()


def make_uploads() -> dict[str, str]:
    """The names of what lies in the upload folder."""
    sha, linked = "a" * 64, "b" * 64
    folder = Path(get_upload_folder())
    (folder / sha / "deep").mkdir(parents=True)
    for name in (f"{sha}/x.txt", f"{sha}/deep/x.txt", "loose.txt"):
        (folder / name).write_text("kept")
    (folder / sha / "link.txt").symlink_to("/etc/passwd")
    (folder / linked).symlink_to("/etc")
    os.mkfifo(folder / sha / "pipe")
    return {"upload": str(folder), "sha": sha, "linked": linked}


@pytest.fixture(scope="module")
def gradio_app(uploads: dict[str, str]) -> FastAPI:
    """An app of Gradio's, mounted as ours is."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Textbox()
    return gr.mount_gradio_app(FastAPI(openapi_url=None), blocks, path="/", **mount_options())


@pytest.fixture(scope="module")
def client(gradio_app: FastAPI) -> Iterator[TestClient]:
    guard = Guard(gradio_app, Login("t0ken", None), any_name=False)
    with TestClient(Policies(guard), base_url=LOCAL, headers=OWN) as client:
        yield client


def test_every_route_of_gradios_is_served_or_refused_on_purpose(gradio_app: FastAPI) -> None:
    real = set(routes_of(gradio_app.routes))
    assert real - REFUSED_ROUTES - SERVED_ROUTES == set()
    assert (REFUSED_ROUTES | SERVED_ROUTES) - real == set()
    assert REFUSED_ROUTES.isdisjoint(SERVED_ROUTES)


def test_none_lies_where_ours_are(gradio_app: FastAPI) -> None:
    ours = [path for _, path in routes_of(gradio_app.routes) if path.startswith(("/api", "/media"))]
    assert ours == []


@pytest.mark.parametrize(("method", "path"), sorted(REFUSED_ROUTES))
def test_what_is_refused_does_not_answer(client: TestClient, method: str, path: str) -> None:
    filled = re.sub(r"\{(?P<name>\w+)(:path)?\}", "1", path)
    assert client.request(method, filled).status_code in {404, 405}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "target",
    [
        "http://192.0.2.7/x.png",
        "https://192.0.2.7/x.png",
        "HTTP://192.0.2.7/x.png",
        "hTTps:/192.0.2.7/x.png",
        "http:%2F%2F192.0.2.7/x.png",
        "http%3A%2F%2F192.0.2.7%2Fx.png",
        "http%253A%252F%252F192.0.2.7%252Fx.png",
        "http:\\\\192.0.2.7\\x.png",
        "//192.0.2.7/x.png",
        "/\\192.0.2.7/x.png",
        "%2F%2F192.0.2.7%2Fx.png",
        "ftp://192.0.2.7/x.png",
        "file:///etc/passwd",
        "data:text/html,<script>1</script>",
        "javascript:1",
        "%20http://192.0.2.7/x.png",
        "%09http://192.0.2.7/x.png",
        "x%0ahttp://192.0.2.7/",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "etc/passwd",
        "../../../../../../etc/passwd",
        "/proc/self/environ",
        "/proc/self/root/etc/passwd",
        "{upload}",
        "{upload}/",
        "{upload}/../../etc/passwd",
        "{upload}/%2e%2e/%2e%2e/etc/passwd",
        "{upload}/vibe_edit_history",
        "{upload}/{sha}/link.txt",
        "{upload}/{linked}/passwd",
        "{upload}/loose.txt",
        "{upload}/{sha}/deep/x.txt",
        "{upload}/{sha}/pipe",
        "{upload}/{sha}",
        "{upload}/{sha}/x.txt%00",
        "{upload}//{sha}/x.txt",
        "",
    ],
)
def test_only_uploads_come_out_of_the_file_route(
    client: TestClient, uploads: dict[str, str], method: str, target: str
) -> None:
    path = f"{LOCAL}/gradio_api/file={target.format(**uploads)}"
    response = client.request(method, path)
    assert response.status_code == 404
    assert "root:" not in response.text


def test_an_upload_does(client: TestClient, uploads: dict[str, str]) -> None:
    response = client.get("/gradio_api/file={upload}/{sha}/x.txt".format(**uploads))
    assert response.status_code == 200
    assert response.text == "kept"
    assert response.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
