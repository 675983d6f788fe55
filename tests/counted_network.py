"""Attacks a running server where every address leads here, and counts what it asks for.

Run by `test_no_requests` in a network namespace of its own: there a route makes every address
this machine's, and a name server here gives every name an address. Whatever the server connects
to, it is counted, by a listener and by the kernel. Prints what was counted, as JSON.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from browser_parts import running_server
from gradio_events import as_file, event_of, send_event

PUBLIC = "93.184.216.34"
URLS = [f"http://{PUBLIC}/x.png", "http://files.example/x.png", "https://files.example/x.png"]


def kernel_counts() -> dict[str, int]:
    """Connections opened and datagrams sent in this namespace."""
    counts = {}
    lines = Path("/proc/net/snmp").read_text().splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        kind = names.split(":")[0]
        numbers = dict(zip(names.split()[1:], map(int, values.split()[1:]), strict=True))
        counts |= {f"{kind} {name}": number for name, number in numbers.items()}
    return {name: counts[name] for name in ("Tcp ActiveOpens", "Udp OutDatagrams")}


class Everybody:
    """All web servers and name servers of the world."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        for port in (80, 443):
            listener = socket.create_server(("0.0.0.0", port))
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        for address in re.findall(r"(?m)^nameserver\s+(\S+)", Path("/etc/resolv.conf").read_text()):
            names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            names.bind((address, 53))
            threading.Thread(target=self._name, args=(names,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            self.asked.append("{}:{}".format(*connection.getsockname()))
            body = b"<script>1</script>"
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + body)
            connection.close()

    def _name(self, names: socket.socket) -> None:
        while True:
            query, sender = names.recvfrom(4096)
            end = query.index(b"\0", 12) + 5
            self.asked.append(query[13 : end - 5].decode("ascii", "replace"))
            is_a = query[end - 4 : end - 2] == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(PUBLIC)
            counts = b"\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0"
            names.sendto(
                query[:2] + b"\x81\x80" + counts + query[12:end] + (answer if is_a else b""), sender
            )


def attack(client: httpx.Client) -> None:
    """Everything that has made a Gradio server, or a reader of files, ask somebody else."""
    for url in URLS:
        once, twice = quote(url, safe=""), quote(quote(url, safe=""), safe="")
        for target in (url, once, twice, url.upper(), url.replace("/", "\\"), url[5:]):
            for route in ("file=", "file/", "proxy="):
                client.get(f"/gradio_api/{route}{target}")
                client.head(f"/gradio_api/{route}{target}")
        client.get("/", params={"deep_link": url, "__theme": url, "view": url})
        client.get("/config", params={"deep_link": url})
        client.post("/gradio_api/vibe-starter-queries", json={"prompt": url})
        client.post("/gradio_api/run-history/connect", json={"bucket_id": url})
        for element, more in (("kb-upload", []), ("kb-question", [None])):
            event = event_of(client, element, "upload" if element == "kb-upload" else "submit")
            for file in (as_file(url), as_file("x.png", url=url), as_file(url, is_stream=True)):
                value: Any = [file] if not more else {"text": "a", "files": [file]}
                send_event(client, event, [value, *more])
    program = {"X-KB-Request": "1"}
    for name, content in references().items():
        client.post("/api/upload", files={"file": (name, content)}, headers=program)
        field = "video" if name.endswith((".m3u8", ".mp4", ".avi")) else "image"
        client.post("/api/search", files={field: (name, content)}, headers=program)
    for _ in range(240):
        counts = client.get("/api/status").json()["counts"]
        if not counts.get("waiting") and not counts.get("indexing"):
            break
        time.sleep(0.25)


def references() -> dict[str, bytes]:
    """Files that name others elsewhere."""
    url = URLS[0]
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n".encode()
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>'
    html = f'<link rel=stylesheet href="{url}"><p>Pump<img src="{url}"><iframe src="{url}">'
    entity = (
        f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "{url}">]><html><p>&b;</p></html>'
    )
    return {
        "list.m3u8": playlist,
        "list.mp4": playlist,
        "list.avi": playlist,
        "drawing.svg": svg.encode(),
        "drawing.png": svg.encode(),
        "page.html": html.encode(),
        "page.xhtml": entity.encode(),
        "note.md": f"# Pump\n\n![a]({url}) [b]: {url}".encode(),
        "data.json": json.dumps({"$ref": url, "image": url}).encode(),
    }


def main(home: Path) -> None:
    for command in ("ip link set lo up", "ip route add local default dev lo"):
        subprocess.run(command.split(), check=True)
    everybody = Everybody()
    before = kernel_counts()
    httpx.get("http://files.example/", trust_env=False)
    control = {name: kernel_counts()[name] - number for name, number in before.items()}
    heard, everybody.asked = everybody.asked, []
    n_sent = 0

    def count(_: httpx.Request) -> None:
        nonlocal n_sent
        n_sent += 1

    # A connection for each request: the kernel's count is then known.
    limits = httpx.Limits(max_keepalive_connections=0)
    with running_server(home) as server:
        time.sleep(1)  # what it does by itself at its start is another matter
        before = kernel_counts()
        with httpx.Client(
            base_url=server.url,
            headers={"Origin": server.url},
            limits=limits,
            event_hooks={"request": [count]},
            timeout=60,
            trust_env=False,
        ) as client:
            attack(client)
        counts = {name: kernel_counts()[name] - number for name, number in before.items()}
    print(
        json.dumps(
            {
                "control": {"heard": heard, **control},
                "asked": everybody.asked,
                "sent": n_sent,
                **counts,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
