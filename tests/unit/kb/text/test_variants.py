from __future__ import annotations

import pytest

from kb.text.variants import fold_variants


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("離職員工須歸還門禁卡", "离职员工须归还门禁卡"),
        ("离职员工", "离职员工"),
        ("臺灣 RX-200，naïve", "台湾 RX-200，naïve"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_traditional_characters_become_simplified_in_place(text: str, folded: str) -> None:
    assert fold_variants(text) == folded
    assert len(folded) == len(text)
    assert fold_variants(folded) == folded
