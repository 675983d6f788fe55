from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from ingest.limits import MemoryLimit, data_bytes, data_limit, limits_of
from kb.config import IngestConfig
from kb.types import Kind

MIB = 1024 * 1024
WHOLE = IngestConfig()


@pytest.mark.parametrize("kind", Kind)
def test_limits_grow_with_the_file_up_to_what_is_configured(kind: Kind) -> None:
    limits = [limits_of(kind, size, WHOLE) for size in (0, MIB, 8 * MIB, 1024 * MIB)]
    assert limits == sorted(limits)
    assert limits[-1] == (WHOLE.time_limit_s, WHOLE.memory_limit_bytes)
    assert limits[0].time_s < WHOLE.time_limit_s
    assert limits[0].memory_bytes <= WHOLE.memory_limit_bytes / 2


def test_a_small_office_file_has_an_eighth_of_the_memory() -> None:
    assert limits_of(Kind.OFFICE, 4_800, WHOLE).memory_bytes < 520 * MIB
    assert limits_of(Kind.OFFICE, 4_800, WHOLE).time_s < 100


def test_limits_that_are_set_low_hold_for_every_file() -> None:
    tight = IngestConfig(time_limit_s=5, memory_limit_bytes=300 * MIB)
    for kind in Kind:
        assert limits_of(kind, 10, tight) == (5, 300 * MIB)


def test_raising_the_configured_limit_raises_a_small_files_too() -> None:
    more = IngestConfig(time_limit_s=9_000, memory_limit_bytes=40_960 * MIB)
    small, large = limits_of(Kind.DATA, 10, WHOLE), limits_of(Kind.DATA, 10, more)
    assert large.time_s > small.time_s
    assert large.memory_bytes > small.memory_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
class TestMemory:
    def test_what_is_held_is_counted(self) -> None:
        # In a process of its own: what another test freed may be held again without growth.
        program = (
            "from ingest.limits import data_bytes\n"
            "before = data_bytes()\n"
            "held = bytes(64 << 20)\n"
            "print(data_bytes() - before)\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert 64 * MIB <= int(done.stdout) < 80 * MIB, done.stderr

    def test_a_limit_holds_for_a_while_and_goes(self) -> None:
        before = resource.getrlimit(resource.RLIMIT_DATA)
        with data_limit(data_bytes() + 64 * MIB), pytest.raises(MemoryError):
            bytearray(256 * MIB)
        assert resource.getrlimit(resource.RLIMIT_DATA) == before
        assert len(bytearray(256 * MIB)) == 256 * MIB

    def test_it_is_lifted_for_what_is_not_the_files(self) -> None:
        before = resource.getrlimit(resource.RLIMIT_DATA)
        memory = MemoryLimit(64 * MIB, data_bytes() + 1024 * MIB)
        with memory.applied():
            with memory.lifted():
                kept = bytearray(256 * MIB)
            # What was kept is not counted: there is as much room as before.
            assert len(bytearray(32 * MIB)) == 32 * MIB
            with pytest.raises(MemoryError):
                bytearray(256 * MIB)
        assert len(kept) == 256 * MIB
        assert resource.getrlimit(resource.RLIMIT_DATA) == before
