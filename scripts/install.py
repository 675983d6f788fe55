"""Put this project's packages into the venv whose Python runs this.

``.venv/bin/python scripts/install.py [EXTRA]``, as the Makefile does. uv installs them, since it
asks for the build of PyTorch that fits the machine: the CPU's where there is no GPU, without
gigabytes of CUDA libraries, else that of the driver's CUDA version. Those builds lie on PyTorch's
own index; where it can't be reached, PyPI's build is taken, and where uv can't install, pip does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PIP = [sys.executable, "-m", "pip"]
_PYTORCH_INDEX = "https://download.pytorch.org/whl/cpu/torch/"
_LIMIT_S = 10


def main() -> None:
    """Install, and say how long it took and how much it fills."""
    extra = f"[{sys.argv[1]}]" if len(sys.argv) > 1 else ""
    wanted = ["-c", "constraints.txt", "-e", f".{extra}"]
    start = time.perf_counter()
    if not _by_uv(wanted):
        print("uv could not install them; pip goes on.", file=sys.stderr)
        subprocess.run([*_PIP, "install", *wanted], cwd=_ROOT, check=True)
    elapsed_s = time.perf_counter() - start
    print(f"Packages are there after {elapsed_s:.0f} s, {_size_bytes() / 1e9:.1f} GB in the venv.")


def _by_uv(wanted: list[str]) -> bool:
    pip = [*_PIP, "install", "--quiet", "-c", "constraints.txt", "uv"]
    if subprocess.run(pip, cwd=_ROOT).returncode:
        return False
    command = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable]
    if _is_reached(_PYTORCH_INDEX):
        print("Installing packages, once, with the build of PyTorch for this machine...")
        command.append("--torch-backend=auto")
    else:
        print(
            "Installing packages, once. PyTorch's own index can't be reached, so its build for "
            "CUDA comes from PyPI: gigabytes to download..."
        )
    return subprocess.run([*command, *wanted], cwd=_ROOT, env=_environment()).returncode == 0


def _is_reached(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_LIMIT_S) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, TimeoutError, OSError):
        return False


def _environment() -> dict[str, str]:
    """With the index and the certificates that pip is set to, of which uv reads nothing."""
    environment = {"UV_SYSTEM_CERTS": "1", **os.environ}
    pip = [*_PIP, "config", "get", "global.index-url"]
    index = subprocess.run(pip, capture_output=True, text=True).stdout.strip()
    if index := os.environ.get("PIP_INDEX_URL", index):
        environment.setdefault("UV_DEFAULT_INDEX", index)
    return environment


def _size_bytes() -> int:
    files = (path for path in Path(sys.prefix).rglob("*") if not path.is_symlink())
    return sum(path.stat().st_size for path in files if path.is_file())


if __name__ == "__main__":
    main()
