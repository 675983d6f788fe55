"""Which requests pass, whatever they ask for."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from kb.config import Home
from ui.http.guard import Guard
from ui.http.headers import Policies
from ui.http.login import Login
from ui.http.rates import Rates
from ui.service.tokens import Tokens, TokenScope

HOST = "127.0.0.1:7860"
OWN = f"http://{HOST}"
JOIN = "/gradio_api/queue/join"
PROGRAM = {"X-KB-Request": "1"}
TOKEN = {"Authorization": "Bearer t0ken"}
SAME = {"Sec-Fetch-Site": "same-origin"}
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}

Ask = Callable[..., int]


async def everything(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers every request that reaches it with who asks."""
    await PlainTextResponse(scope["state"]["caller"].value)(scope, receive, send)


def guarded(password: str | None = None) -> TestClient:
    guard = Guard(everything, Login("t0ken", password), any_name=password is not None)
    return TestClient(Policies(guard), base_url=OWN)


@pytest.fixture
def ask() -> Ask:
    """The status of a request to a server without a password."""
    client = guarded()

    def ask(method: str, path: str, headers: dict[str, str] | None = None) -> int:
        return client.request(method, path, headers=headers).status_code

    return ask


class TestOrigin:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize(
        "origin",
        [
            "null",
            "",
            "http://evil.example",
            "http://127.0.0.1:9999",
            "http://localhost:7860",
            f"https://evil.example/{HOST}",
            f"http://{HOST}.evil.example",
            f"http://evil.example@{HOST}",
            f"file://{HOST}",
            f"chrome-extension://{HOST}",
            f"{OWN}, http://evil.example",
            "http://[",
        ],
    )
    def test_of_another_site_is_refused_whatever_else_it_brings(
        self, ask: Ask, method: str, origin: str
    ) -> None:
        for path in ("/api/search", JOIN, "/"):
            headers = {"Origin": origin} | PROGRAM | TOKEN | SAME
            if method == "POST" or path != JOIN:
                assert ask(method, path, headers) == 403, path

    def test_own_passes(self, ask: Ask) -> None:
        assert ask("POST", JOIN, {"Origin": OWN}) == 200
        assert ask("POST", JOIN, {"Origin": OWN} | SAME) == 200
        assert ask("GET", "/api/status", {"Origin": OWN}) == 200

    def test_one_of_two_is_enough_to_refuse(self) -> None:
        both = [("Origin", OWN), ("Origin", "null")]
        assert guarded().post(JOIN, headers=both).status_code == 403


class TestFetchSite:
    @pytest.mark.parametrize("site", ["cross-site", "same-site", "made-up"])
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/api/status"),
            ("GET", "/media/documents/" + "0" * 64 + "/original"),
            ("GET", "/theme.css"),
            ("GET", "/gradio_api/app_id"),
            ("POST", JOIN),
            ("POST", "/api/search"),
            ("POST", "/"),
            ("HEAD", "/"),
        ],
    )
    def test_of_another_site_is_refused(self, ask: Ask, site: str, method: str, path: str) -> None:
        headers = {"Sec-Fetch-Site": site} | NAVIGATION | PROGRAM
        assert ask(method, path, headers) in {403, 405}

    def test_the_page_itself_opens_from_anywhere(self, ask: Ask) -> None:
        for site in ("cross-site", "same-site", "none"):
            assert ask("GET", "/", {"Sec-Fetch-Site": site} | NAVIGATION) == 200
            assert ask("GET", "/?q=1", {"Sec-Fetch-Site": site} | NAVIGATION) == 200

    @pytest.mark.parametrize(
        "how",
        [
            {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
            {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object"},
            {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
            {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
            {},
        ],
    )
    def test_but_not_as_a_part_of_another_page(self, ask: Ask, how: dict[str, str]) -> None:
        assert ask("GET", "/", {"Sec-Fetch-Site": "cross-site"} | how) == 403

    def test_what_the_person_types_in_is_read_only(self, ask: Ask) -> None:
        assert ask("GET", "/api/status", {"Sec-Fetch-Site": "none"}) == 200
        assert ask("POST", "/api/search", {"Sec-Fetch-Site": "none"} | PROGRAM) == 403
        assert ask("POST", JOIN, {"Sec-Fetch-Site": "none"}) == 403


@pytest.mark.parametrize("kind", ["script", "style", "worker", "sharedworker", "serviceworker"])
def test_only_the_pages_own_files_are_run(ask: Ask, kind: str) -> None:
    headers = SAME | {"Sec-Fetch-Dest": kind}
    document = "/media/documents/" + "0" * 64 + "/original"
    for path in (document, "/api/status", "/", "/gradio_api/app_id"):
        assert ask("GET", path, headers) == 403, path
    for path in ("/assets/index.js", "/theme.css", "/media/static/app.js"):
        assert ask("GET", path, headers) == 200, path


def test_no_path_of_two_lines_passes(ask: Ask) -> None:
    for path in ("/api/v1/conversations/a%0Ab", "/v1/a%0A", "/media/assets/a%0Ab", "/api/x%0A"):
        assert ask("GET", path) == ask("DELETE", path, PROGRAM) == 404


def test_metrics_are_read_alone(ask: Ask) -> None:
    assert ask("GET", "/metrics") == 200
    for method in ("HEAD", "POST", "DELETE"):
        assert ask(method, "/metrics", PROGRAM) == 405
    for path in ("/metrics/", "/metrics/x", "/Metrics"):
        assert ask("GET", path) == 404
    assert ask("GET", "/metrics", {"Sec-Fetch-Site": "cross-site"} | NAVIGATION) == 403
    assert guarded("secret").get("/metrics").status_code == 401


class TestWrites:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY"])
    @pytest.mark.parametrize("path", ["/api/search", "/api/sync", "/api/upload", "/api/forget"])
    def test_need_the_header_or_the_token(self, ask: Ask, method: str, path: str) -> None:
        assert ask(method, path) == 403
        assert ask(method, path, {"Origin": OWN} | SAME) == 403
        assert ask(method, path, {"X-KB-Request": ""}) == 403
        assert ask(method, path, {"Authorization": "Bearer wrong"}) == 403
        assert ask(method, path, PROGRAM) == 200
        assert ask(method, path, TOKEN) == 200

    @pytest.mark.parametrize("path", [JOIN, "/gradio_api/upload", "/gradio_api/cancel"])
    def test_of_gradios_need_the_browsers_word(self, ask: Ask, path: str) -> None:
        assert ask("POST", path) == 403
        assert ask("POST", path, {"Origin": OWN}) == 200
        assert ask("POST", path, SAME) == 200
        assert ask("POST", path, PROGRAM) == 200

    def test_are_not_made_of_reads(self, ask: Ask) -> None:
        override = {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST"}
        assert ask("GET", JOIN, override | PROGRAM) == 405
        assert ask("GET", f"{JOIN}?_method=POST", PROGRAM) == 405


class TestNames:
    @pytest.mark.parametrize(
        "host", ["localhost", "localhost:7860", "127.0.0.1", "127.8.8.8:80", "[::1]", "[::1]:7860"]
    )
    def test_of_this_machine_are_answered_to(self, ask: Ask, host: str) -> None:
        assert ask("GET", "/api/status", {"Host": host}) == 200

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:7860",
            "127.0.0.1.evil.example",
            "127.0.0.1.nip.io:7860",
            "localhost.evil.example",
            "0.0.0.0:7860",
            "192.168.1.5:7860",
            "2130706433",
            "[::ffff:10.0.0.1]",
        ],
    )
    def test_others_are_not(self, ask: Ask, host: str) -> None:
        assert ask("GET", "/", {"Host": host}) == 421
        assert ask("GET", "/api/status", {"Host": host} | TOKEN) == 421

    @pytest.mark.parametrize(
        "host",
        [
            "",
            "[bad",
            "a b",
            "127.0.0.1:7860@evil.example",
            "evil.example@127.0.0.1",
            "127.0.0.1/x",
            "localhost:",
            "localhost:port",
            "l\xf6calhost",
            "localhost\tx",
            "[::1",
        ],
    )
    def test_what_is_no_name_is_a_bad_request(self, host: str) -> None:
        headers = [(b"host", host.encode("latin-1"))]
        for password in (None, "secret"):
            assert guarded(password).get("/api/status", headers=headers).status_code == 400


class TestLogin:
    def test_a_password_that_is_set_always_applies(self) -> None:
        client = guarded("secret")
        for path in ("/", "/api/status", "/media/static/app.js", "/assets/index.js"):
            assert client.get(path).status_code == 401
            assert client.get(path, auth=("kb", "secret")).text == "person"
            assert client.get(path, headers=TOKEN).text == "command line"

    def test_does_not_replace_what_a_write_needs(self) -> None:
        client = guarded("secret")
        login = {"Authorization": "Basic " + base64.b64encode(b"kb:secret").decode()}
        assert client.post("/api/search", headers=login).status_code == 403
        assert client.post("/api/search", headers=login | PROGRAM).status_code == 200
        assert client.post(JOIN, headers=login).status_code == 403

    @pytest.mark.parametrize(
        "given",
        [
            b"",
            b"Basic",
            b"Basic ",
            b"Bearer",
            b"Bearer ",
            b"Basic \xff\xfe",
            b"Bearer \xe4\xf6",
            b"Basic a2I6",
            b"Basic Om5v",
            b"Digest secret",
            b"\xff",
            b"Bearer t0ken2",
            b"t0ken",
        ],
    )
    def test_what_is_none_is_no_way_in(self, given: bytes) -> None:
        response = guarded("secret").get("/api/status", headers=[(b"authorization", given)])
        assert response.status_code == 401

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    @pytest.mark.parametrize(
        ("path", "how"),
        [
            ("/", NAVIGATION),  # window.open("http://kb:wrong@...")
            ("/", {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}),
            ("/media/static/icon.svg", {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
            ("/api/status", {}),
        ],
    )
    def test_another_site_locks_nobody_out(self, site: str, path: str, how: dict[str, str]) -> None:
        client = guarded("secret")
        sent = {"Sec-Fetch-Site": site} | how
        for n in range(20):
            client.get(path, headers=sent, auth=("kb", f"wrong{n}"))
            client.get(path, headers={"Origin": "null"}, auth=("kb", f"wrong{n}"))
        assert client.get("/api/status", auth=("kb", "secret")).status_code == 200
        assert client.get("/", headers=NAVIGATION | SAME, auth=("kb", "secret")).status_code == 200

    def test_nor_does_a_guesser_gain_by_posing_as_one(self) -> None:
        client = guarded("secret")
        sent = {"Sec-Fetch-Site": "cross-site"} | NAVIGATION
        assert client.get("/", headers=sent, auth=("kb", "secret")).status_code == 200
        statuses = [
            client.get("/", headers=sent, auth=("kb", f"{n}")).status_code for n in range(8)
        ]
        assert statuses[-1] == 429
        assert client.get("/", headers=sent, auth=("kb", "secret")).status_code == 429

    def test_without_a_password_nobody_is_asked(self) -> None:
        assert guarded().get("/api/status").text == "person"
        assert guarded().get("/api/status", headers=TOKEN).text == "command line"
        wrong = {"Authorization": "Bearer wrong"}
        assert guarded().get("/api/status", headers=wrong).text == "person"


class TestPrograms:
    """By a token that `kb token create` made."""

    @pytest.fixture
    def tokens(self, tmp_path: Path) -> Tokens:
        return Tokens(Home(tmp_path))

    def client(self, tokens: Tokens, password: str | None) -> TestClient:
        login = Login("t0ken", password, tokens=tokens)
        return TestClient(Guard(everything, login, any_name=False), base_url=OWN)

    def bearer(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    @pytest.mark.parametrize("password", [None, "secret"])
    @pytest.mark.parametrize(
        ("method", "path", "scope"),
        [
            ("GET", "/api/v1/documents", "read"),
            ("GET", "/media/assets/" + "0" * 64, "read"),
            ("GET", "/metrics", "read"),
            ("POST", "/api/v1/search", "read"),
            ("POST", "/api/v1/ask", "read"),
            ("POST", "/v1/chat/completions", "read"),
            ("POST", "/api/v1/documents", "add"),
            ("POST", "/api/v1/documents/retry", "add"),
            ("PUT", "/api/v1/documents/x", "add"),
            ("GET", "/api/v1/conversations", "read"),
            ("POST", "/api/v1/conversations", "add"),
            ("POST", "/api/v1/conversations/x/ask", "add"),
            ("PATCH", "/api/v1/conversations/x", "add"),
            ("DELETE", "/api/v1/conversations/x", "delete"),
            ("POST", "/mcp", "read"),
            ("DELETE", "/api/v1/documents/x", "delete"),
            ("DELETE", "/v1/x", "delete"),
        ],
    )
    def test_do_what_their_scopes_allow(
        self, tokens: Tokens, password: str | None, method: str, path: str, scope: str
    ) -> None:
        client = self.client(tokens, password)
        for one in TokenScope:
            token = tokens.create(f"{one}", [one])
            answer = client.request(method, path, headers=self.bearer(token))
            assert answer.status_code == (200 if one == scope else 403), one
            if one == scope:
                assert answer.text == "program"
            else:
                assert f"may not {scope}" in answer.text

    def test_and_people_have_a_number_of_requests_each(self, tokens: Tokens) -> None:
        login = Login("t0ken", None, tokens=tokens)
        guard = Guard(everything, login, any_name=False, rates=Rates(3))
        client = TestClient(guard, base_url=OWN)
        one, other = (self.bearer(tokens.create(name, [TokenScope.READ])) for name in "ab")
        for headers in (one, other, {}):
            statuses = [client.get("/api/v1/status", headers=headers).status_code for _ in range(4)]
            assert statuses == [200, 200, 200, 429]
        for path, media_type in (
            ("/api/v1/status", "application/problem+json"),
            ("/mcp", "application/problem+json"),
            ("/v1/models", "application/json"),
            ("/api/status", "text/plain; charset=utf-8"),
        ):
            method = "POST" if path == "/mcp" else "GET"
            refused = client.request(method, path, headers=PROGRAM)
            assert refused.status_code == 429
            assert refused.headers["content-type"] == media_type
            assert refused.headers["retry-after"] == "20"
            assert "limits.max_requests_per_minute" in refused.text
        # What the page loads, and the command line.
        for _ in range(9):
            assert client.get("/media/static/app.js").status_code == 200
            assert client.get("/").status_code == 200
            assert client.get("/api/status", headers=TOKEN).status_code == 200

    @pytest.mark.parametrize("password", [None, "secret"])
    def test_reach_nothing_else(self, tokens: Tokens, password: str | None) -> None:
        client = self.client(tokens, password)
        headers = self.bearer(tokens.create("all", list(TokenScope))) | PROGRAM
        for method, path in (
            ("GET", "/"),
            ("GET", "/api/status"),
            ("POST", "/api/sync"),
            ("POST", "/api/upload"),
            ("POST", JOIN),
            ("GET", "/api/v1x"),
        ):
            assert client.request(method, path, headers=headers).status_code == 403, path

    @pytest.mark.parametrize("password", [None, "secret"])
    def test_that_were_revoked_are_out_at_once(self, tokens: Tokens, password: str | None) -> None:
        client = self.client(tokens, password)
        token = tokens.create("a", [TokenScope.READ])
        assert client.get("/api/v1/status", headers=self.bearer(token)).status_code == 200
        tokens.revoke("a")
        refused = client.get("/api/v1/status", headers=self.bearer(token))
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("password", [None, "secret"])
    def test_that_guess_wait_ever_longer(self, tokens: Tokens, password: str | None) -> None:
        client = self.client(tokens, password)
        right = tokens.create("a", [TokenScope.READ])
        statuses = [
            client.get("/api/v1/status", headers=self.bearer(f"kbt_{n}")).status_code
            for n in range(8)
        ]
        assert statuses[:6] == [401] * 6
        assert statuses[-1] == 429
        # A right one is not looked at meanwhile; the command line's is.
        assert client.get("/api/v1/status", headers=self.bearer(right)).status_code == 429
        assert client.get("/api/v1/status", headers=TOKEN).status_code == 200

    def test_of_other_sites_stay_outside(self, tokens: Tokens) -> None:
        headers = self.bearer(tokens.create("a", list(TokenScope))) | {
            "Origin": "http://evil.example"
        }
        client = self.client(tokens, None)
        assert client.post("/api/v1/search", headers=headers).status_code == 403
        foreign = self.bearer("kbt_x") | {"Host": "evil.example"}
        assert client.get("/api/v1/status", headers=foreign).status_code == 421


class TestRoutes:
    @pytest.mark.parametrize(
        "path",
        [
            "/config",
            "/monitoring",
            "/login",
            "/openapi.json",
            "/docs",
            "/gradio_api/info",
            "/gradio_api/run/predict",
            "/gradio_api/call/predict",
            "/gradio_api/stream/1",
            "/gradio_api/component_server",
            "/gradio_api/proxy=https://x.hf.space/",
            "/gradio_api/deep_link",
            "/gradio_api/file/etc/passwd",
            f"{OWN}//evil.example/",
            "/assets//evil.example",
            "/assets/../../etc/passwd",
            "/assets/%2e%2e/%2e%2e/etc/passwd",
            "/static/%2e%2e",
            "/media",
            "/api",
            "/gradio_api/app_id/",
            "/assets/%00",
            "/assets/a%0d%0ab",
            "/apix/",
            "/GRADIO_API/app_id",
        ],
    )
    def test_that_are_not_listed_do_not_exist(self, ask: Ask, path: str) -> None:
        for method in ("GET", "POST", "OPTIONS"):
            assert ask(method, path, PROGRAM) == 404, method

    @pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "TRACE", "CONNECT"])
    def test_answer_to_their_own_methods_alone(self, ask: Ask, method: str) -> None:
        for path in ("/", "/theme.css", JOIN):
            assert ask(method, path, PROGRAM) == 405

    def test_over_websockets_there_are_none(self) -> None:
        with pytest.raises(WebSocketDisconnect), guarded().websocket_connect("/api/ws"):
            pass


def test_every_answer_carries_the_policies(ask: Ask) -> None:
    client = guarded()
    for path in ("/", "/api/status", "/media/x", "/config", "/assets/x.js"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers.get("content-security-policy", "") or path == "/"
        if path != "/":
            assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_an_answer_is_not_held_back() -> None:
    """Streams pass as they come."""
    parts: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        parts.append(message)

    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        assert len(parts) == 2
        await send({"type": "http.response.body", "body": b"two"})

    guard = Guard(streaming, Login("t", None), any_name=False)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/x",
        "headers": [(b"host", HOST.encode())],
    }
    run: Awaitable[None] = Policies(guard)(scope, receive, send)  # type: ignore[arg-type]
    coroutine = run.__await__()
    with pytest.raises(StopIteration):
        next(coroutine)
    assert len(parts) == 3
