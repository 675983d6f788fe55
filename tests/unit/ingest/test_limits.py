from __future__ import annotations

import pytest

from ingest.limits import limits_of
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
