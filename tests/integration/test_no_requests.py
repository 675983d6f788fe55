"""The server asks nobody for anything on somebody's behalf: counted while it is attacked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def new_network() -> list[str]:
    """The command that gives a process a network of its own."""
    if sys.platform != "linux" or not all(map(shutil.which, ("unshare", "ip"))):
        pytest.skip("needs Linux with unshare and ip (apt install util-linux iproute2)")
    # As root at once; otherwise as root of a namespace of one's own, where that is allowed.
    for command in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip("this user may not make a network namespace (sudo, or allow user namespaces)")


def test_it_connects_to_nobody_however_it_is_asked(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    command = [*new_network(), sys.executable, str(TESTS / "counted_network.py"), str(tmp_path)]
    path = os.pathsep.join(filter(None, (str(TESTS.parent), str(TESTS))))
    ran = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    counted = json.loads(ran.stdout.splitlines()[-1])
    # Without the server one request is seen: a name that is looked up, and a connection.
    assert "files" in counted["control"]["heard"][0]
    assert counted["control"]["heard"][-1] == "93.184.216.34:80"
    assert counted["control"]["Tcp ActiveOpens"] == 1
    assert counted["asked"] == []
    assert counted["sent"] > 100
    assert counted["Tcp ActiveOpens"] == counted["sent"]
    assert counted["Udp OutDatagrams"] == 0
