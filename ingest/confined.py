"""Work on one file in a thread that reaches nothing else: no other file, no network.

Video decoders are old and large, and formats can name other files and addresses. On Linux the
kernel refuses those: Landlock any file but the one that is read (and the libraries that reading
takes), and a filter of system calls every socket and every program. Both bind a thread and the
threads that it starts, for ever; so the work has one of its own. Where the kernel lacks them, the
list of formats alone keeps decoders from other files.
"""

from __future__ import annotations

import ctypes
import os
import platform
import queue
import struct
import sys
import sysconfig
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["confined", "confined_items", "forbid_network", "forbid_other_files"]

T = TypeVar("T")

_AHEAD = 4

# linux/landlock.h
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL_OF_ABI_1 = (1 << 13) - 1
# linux/prctl.h, linux/seccomp.h, linux/filter.h
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000  # the error's number is added
_EACCES = 13
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_ABOVE, _RETURN = 0x20, 0x15, 0x35, 0x06
_OTHER_NUMBERS = 0x40000000
_NUMBER_AT, _MACHINE_AT = 0, 4
# The numbers of socket, execve, execveat and io_uring_setup, by machine; and how the kernel
# names the machine.
_CALLS = {
    "x86_64": (0xC000003E, (41, 59, 322, 425)),
    "aarch64": (0xC00000B7, (198, 221, 281, 425)),
}


def confined(work: Callable[[], T], file: Path) -> T:
    """What `work` gives, in a thread that reaches `file` alone.

    Raises:
        Whatever `work` raises.
    """
    (result,) = confined_items(lambda: iter([work()]), file)
    return result


def confined_items(make: Callable[[], Iterator[T]], file: Path) -> Generator[T, None, None]:
    """The items of the iterator that `make` gives, which is made and run in a thread that
    reaches `file` alone. Some are made ahead; closing this ends the thread.

    Raises:
        Whatever the iterator raises.
    """
    items: queue.Queue[tuple[bool, Any]] = queue.Queue(_AHEAD)
    is_over = threading.Event()

    def put(is_item: bool, value: Any) -> bool:
        while not is_over.is_set():
            with suppress(queue.Full):
                items.put((is_item, value), timeout=0.2)
                return True
        return False

    def run() -> None:
        failure: BaseException | None = None
        try:
            forbid_other_files(file)
            forbid_network()
            for item in make():
                if not put(True, item):
                    return
        except BaseException as error:
            failure = error
        put(False, failure)

    thread = threading.Thread(target=run, name="confined", daemon=True)
    thread.start()
    try:
        while True:
            is_item, value = items.get()
            if is_item:
                yield value
            elif value is None:
                return
            else:
                raise value
    finally:
        is_over.set()
        thread.join()


def forbid_other_files(file: Path) -> bool:
    """Refuse this thread every file but `file`, and the programs' own, which it may read.
    Returns whether the kernel does so."""
    if not _knows_landlock():
        return False
    libc = _libc()
    attributes = struct.pack("=Q", _ALL_OF_ABI_1)
    rules = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return False
    try:
        _allow(rules, file, _READ_FILE)
        for folder in _program_folders():
            _allow(rules, folder, _READ_FILE | _READ_DIR | _EXECUTE)
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return bool(libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def forbid_network() -> bool:
    """Refuse this thread sockets and other programs. Returns whether the kernel does so."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return False
    machine, numbers = _CALLS[platform.machine()]
    # Of another machine's numbers (those of 32 bits) none is known here, and none is wanted.
    refused = [(_JUMP_IF_ABOVE, _OTHER_NUMBERS), *((_JUMP_IF_EQUAL, one) for one in numbers)]
    lines = [(_LOAD, 0, 0, _MACHINE_AT), (_JUMP_IF_EQUAL, 0, len(refused) + 2, machine)]
    lines.append((_LOAD, 0, 0, _NUMBER_AT))
    for index, (jump, number) in enumerate(refused):
        lines.append((jump, len(refused) - index, 0, number))
    lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE | _EACCES)]
    program = b"".join(struct.pack("=HBBI", *line) for line in lines)
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog
    header = struct.pack("@HP", len(lines), ctypes.addressof(code))
    libc = _libc()
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return bool(libc.prctl(_SET_SECCOMP, _FILTER, header, 0, 0) == 0)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


@cache
def _knows_landlock() -> bool:
    if sys.platform != "linux":
        return False
    return bool(_libc().syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG) >= 1)


@cache
def _program_folders() -> tuple[Path, ...]:
    """Where Python, its packages and the system's libraries lie, and what tells of the cores."""
    own = Path(__file__).parents[1]
    paths = sysconfig.get_paths()
    folders = [Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [Path(sys.base_prefix) / "lib", *map(Path, ("/usr/lib", "/usr/lib64", "/lib"))]
    folders += [own / "ingest", own / "kb"]
    folders += [*map(Path, ("/lib64", "/sys/devices/system/cpu", "/usr/share/zoneinfo"))]
    return tuple(dict.fromkeys(folder.resolve() for folder in folders if folder.is_dir()))


def _allow(rules: int, path: Path, access: int) -> None:
    with suppress(OSError):
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            # struct landlock_path_beneath_attr, packed
            rule = struct.pack("=Qi", access, opened)
            _libc().syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
        finally:
            os.close(opened)
