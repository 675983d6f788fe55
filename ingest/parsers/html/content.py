"""The part of a web page that people came to read.

trafilatura (Barbaresi, ACL 2021, https://aclanthology.org/2021.acl-demo.15) says which
sentences are content. They lead to the element that holds them, and that element is kept
with its structure, since trafilatura's own output loses element ids, code layout, parts of
lists and most tables. Inside it, what trafilatura passed over is kept too unless it looks
like navigation by the rules of Mozilla's Readability (class names, link density;
https://github.com/mozilla/readability).
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from lxml import etree

from ingest.parsers.html.mathml import spell_out_formulas

# It logs an error for each page without content, which is no error here.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)

__all__ = ["ExcessiveDepthError", "class_words", "drop_unseen", "keep_main_content", "parse_tree"]

# Beyond this much text trafilatura takes minutes (its paragraph comparison is quadratic); a
# page that long is a book or a reference, of which all but its navigation is content.
_MAX_GUIDED_CHARS = 400_000
_MAX_GUIDED_ELEMENTS = 50_000
_DROPPED_TAGS = (
    "script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "canvas",
    "button", "input", "select", "textarea", "dialog", "link", "meta",
    # Readings above characters (ruby) would stand in the middle of the words that they are of.
    "rt", "rp", "rtc",
)  # fmt: skip
_SIDE_TAGS = frozenset({"nav", "aside", "footer", "form", "menu"})
_SIDE_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar",
     "dialog", "alertdialog", "toolbar"}
)  # fmt: skip
_SIDE_WORDS = re.compile(
    r"(?:^|[\s_-])(?:ad|ads|advert\w*|agegate|banner|breadcrumbs?|byline|comments?|community|cookies?"
    r"|credits?|disqus|edit(?:section)?|extra|footer|gdpr|header|legends?|masthead|menu|meta"
    r"|modal|nav\w*|newsletter|outbrain|pager|pagination|popup|print|promo\w*|recirc\w*"
    r"|recommend\w*|related|remark|replies|rss|share\w*|sharing|shoutbox|sidebar|skip\w*|skyscraper"
    r"|social|sponsor\w*|subscri\w*|supplemental|taboola|tags?|teaser|toolbar|toc|widget)"
    r"(?:$|[\s_-])",
    re.IGNORECASE,
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_PANEL_WORDS = re.compile(
    r"(?:^|[\s_-])(?:tabs?|pan(?:e|el)s?|tab-?(?:content|pane|panel)|accordions?|collaps(?:e|ible)"
    r"|collapsed|toggle|spoiler|details|expand(?:able|ed)?|faqs?|answers?|question|step|slide"
    r"|read-?more|more-?(?:content|text))(?:$|[\s_-]|\d)",
    re.IGNORECASE,
)
# A button in a title is its text; in a sentence, one of its words.
_TITLES = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt", "legend", "caption"})
_SENTENCES = frozenset({"p", "li", "dd", "td", "th", "blockquote", "figcaption"})
_INLINE_TAGS = frozenset({"span", "em", "strong", "b", "i", "u", "label", "kbd", "code", "a"})
_OPENERS = _TITLES | {"label", "button"}
_THREAD_WORDS = re.compile(
    r"(?:^|[\s_-])(?:forum|threads?|topic|discussion|question|qa|viewtopic|showthread)(?:$|[\s_-])",
    re.IGNORECASE,
)
_THREAD_TYPES = re.compile(r"DiscussionForumPosting|QAPage|schema\.org/(?:Question|Answer)\b")
_REPLY_WORDS = re.compile(
    r"(?:^|[\s_-])(?:comments?|community|disqus|remark|replies)(?:$|[\s_-])", re.IGNORECASE
)
_BLANK = re.compile(r"\s+")
_CONTENT_SHARE = 0.9
_LINK_DENSITY = 0.5
_BESIDE_SHARE = 0.3
_SHORT_CHARS = 400
_PROSE_CHARS = 40
_CONTAINER_TAGS = frozenset(
    {"div", "section", "article", "main", "center", "table", "tbody", "tr", "td", "span", "form"}
)


class ExcessiveDepthError(ValueError):
    """The page nests deeper than libxml2 builds trees (2048 elements)."""


@dataclass(slots=True)
class _Weight:
    """Characters below an element, white space not counted."""

    total: int = 0
    linked: int = 0
    content: int = 0


def parse_tree(markup: str) -> etree._Element:
    """The page as a tree, however broken its markup is.

    Raises:
        ExcessiveDepthError: It nests too deep for libxml2, which would lose its text.
        ValueError: There is no element in it.
    """
    parser = etree.HTMLParser(
        huge_tree=True, encoding="utf-8", remove_comments=True, remove_pis=True
    )
    clean = markup.encode("utf-8", "replace")
    try:
        tree: etree._Element | None = etree.fromstring(clean, parser=parser)
    except etree.XMLSyntaxError as error:
        raise ValueError("no element in the page") from error
    if any("depth" in entry.message.lower() for entry in parser.error_log):
        raise ExcessiveDepthError("the page nests too deep")
    if tree is None:
        raise ValueError("no element in the page")
    return tree


def keep_main_content(tree: etree._Element, markup: str) -> etree._Element:
    """Remove what is not content from `tree` and return the element that holds the rest.

    Args:
        tree: From `parse_tree`; it is changed.
        markup: The page it was parsed from.
    """
    body = tree.find("body")
    if body is None:
        body = tree
    is_thread = _is_thread(body, markup)
    drop_unseen(tree)
    n_chars = sum(len(text) for text in body.itertext())
    n_elements = sum(1 for _ in body.iter())
    # Imported late: it takes long, and a sync of unchanged files never needs it.
    import trafilatura

    guide = ""
    if n_chars <= _MAX_GUIDED_CHARS and n_elements <= _MAX_GUIDED_ELEMENTS:
        guide = _squeeze(
            trafilatura.extract(markup, include_comments=is_thread, favor_recall=True) or ""
        )
    weights = _weigh(body, guide)
    if weights[body].content * 5 < weights[body].total and weights[body].content < _SHORT_CHARS:
        # trafilatura found next to nothing: rules alone.
        for weight in weights.values():
            weight.content = 0
    if is_thread:
        _count_replies(body, weights)
    container = _container(body, weights)
    _drop(_boilerplate(container, weights))
    return container


def _is_thread(body: etree._Element, markup: str) -> bool:
    """Whether what people answer is what others come for: a forum's page."""
    if _THREAD_TYPES.search(markup):
        return True
    if _THREAD_WORDS.search(class_words(body)):
        return True
    n_replies = n_others = 0
    stack = [(body, False)]
    while stack:
        element, is_reply = stack.pop()
        if element.tag in _SIDE_TAGS - {"form"} or element.get("role", "") in _SIDE_ROLES:
            continue
        is_reply = is_reply or bool(_REPLY_WORDS.search(class_words(element)))
        if element.tag == "p":
            n_chars = sum(map(len, element.itertext()))
            n_replies += n_chars if is_reply else 0
            n_others += 0 if is_reply else n_chars
        else:
            stack += [(child, is_reply) for child in element]
    return n_replies > n_others


def _count_replies(body: etree._Element, weights: dict[etree._Element, _Weight]) -> None:
    """Take what people answered for content, whether trafilatura found it or not."""
    for element in body.iterdescendants():
        if _REPLY_WORDS.search(class_words(element)):
            weight = weights[element]
            more = weight.total - weight.linked - weight.content
            if more <= 0:
                continue
            for one in (element, *element.iterdescendants()):
                inner = weights[one]
                inner.content = max(inner.content, inner.total - inner.linked)
            for above in element.iterancestors():
                if above not in weights:
                    break
                weights[above].content += more


def drop_unseen(tree: etree._Element) -> None:
    """Remove what a browser never shows as text: programs, styles, hidden elements that no click
    shows. Formulas and the buttons that a sentence names become text."""
    spell_out_formulas(tree)
    shown_by_click = _controlled_ids(tree)
    unseen = [
        element
        for element in tree.iterdescendants()
        if _is_hidden(element) and not _is_panel(element, shown_by_click)
    ]
    _keep_named_buttons(tree)
    _drop(unseen)
    etree.strip_elements(tree, *_DROPPED_TAGS, with_tail=False)


def _keep_named_buttons(tree: etree._Element) -> None:
    for button in list(tree.iter("button", "input")):
        if button.tag == "input":
            if button.get("type", "") not in ("button", "submit", "reset"):
                continue
            button.text = button.get("value", "")
        holder = next((one for one in button.iterancestors() if one.tag not in _INLINE_TAGS), None)
        if holder is None:
            continue
        is_title = holder.tag in _TITLES
        if is_title or _n_words(holder) > (0 if holder.tag in _SENTENCES else 3):
            button.tag = "span"
            button.attrib.clear()


def _n_words(element: etree._Element) -> int:
    """Words of an element and what stands within its lines, those of buttons left out."""
    n_words = 0
    stack = [element]
    while stack:
        one = stack.pop()
        n_words += len((one.text or "").split())
        for child in one:
            n_words += len((child.tail or "").split())
            if child.tag in _INLINE_TAGS:
                stack.append(child)
    return n_words


def _controlled_ids(tree: etree._Element) -> frozenset[str]:
    """Ids of what a click on a tab or button shows."""
    ids: set[str] = set()
    for element in tree.iterdescendants():
        for name in ("aria-controls", "data-target", "data-bs-target", "data-tab", "for"):
            if value := element.get(name):
                ids.update(one.lstrip("#") for one in value.split())
        if element.get("role") == "tab" or element.get("data-toggle") or element.get("data-tabs"):
            ids.add(element.get("href", "").lstrip("#"))
    return frozenset(ids - {""})


def _is_panel(element: etree._Element, shown_by_click: frozenset[str]) -> bool:
    """Whether a hidden element is one that a click shows: the panel of a tab, an answer below its
    question; but no menu, no window that pops up."""
    if not any(map(str.strip, element.itertext())):
        return False
    for one in (element, *element.iterancestors()):
        if one.tag in _SIDE_TAGS or one.get("role", "") in _SIDE_ROLES:
            return False
    if _SIDE_WORDS.search(class_words(element)):
        return False
    if (
        element.get("role") == "tabpanel"
        or element.get("hidden") == "until-found"
        or element.get("id", "") in shown_by_click
        or _PANEL_WORDS.search(class_words(element))
    ):
        return True
    # All that stands below a title.
    before, behind = element.getprevious(), element.getnext()
    if (
        before is not None
        and before.tag in _OPENERS
        and (behind is None or behind.tag == before.tag)
    ):
        return True
    parent, own = element.getparent(), set(element.get("class", "").split())
    return parent is not None and any(
        other is not element
        and other.tag == element.tag
        and own & set(other.get("class", "").split())
        and not _is_hidden(other)
        for other in parent
    )


def class_words(element: etree._Element) -> str:
    """The element's class names and id, as one string."""
    return f"{element.get('class', '')} {element.get('id', '')}"


def _squeeze(text: str) -> str:
    return _BLANK.sub("", text)


def _is_hidden(element: etree._Element) -> bool:
    return (
        element.get("hidden") is not None
        or bool(_HIDDEN_STYLE.search(element.get("style", "")))
        or (element.get("aria-hidden") == "true" and "mwe-math" not in element.get("class", ""))
    )


def _drop(elements: list[etree._Element]) -> None:
    for element in elements:
        parent = element.getparent()
        if parent is None:
            continue
        # The text behind an element hangs on it; it stays.
        if element.tail:
            before = element.getprevious()
            if before is None:
                parent.text = (parent.text or "") + element.tail
            else:
                before.tail = (before.tail or "") + element.tail
        parent.remove(element)


def _weigh(body: etree._Element, guide: str) -> dict[etree._Element, _Weight]:
    """The weight of every element. A piece of text is content when `guide`, trafilatura's
    text without white space, holds it."""
    elements = list(body.iter())
    weights = {element: _Weight() for element in elements}
    for element in reversed(elements):
        weight = weights[element]
        own = [element.text, *(child.tail for child in element)]
        for text in own:
            piece = _squeeze(text or "")
            weight.total += len(piece)
            if guide and len(piece) > 7 and piece in guide:
                weight.content += len(piece)
        if element.tag == "a":
            weight.linked = weight.total
        parent = element.getparent()
        if element is not body and parent is not None:
            above = weights[parent]
            above.total += weight.total
            above.linked += weight.linked
            above.content += weight.content
    return weights


def _container(body: etree._Element, weights: dict[etree._Element, _Weight]) -> etree._Element:
    """The deepest element with nearly all the content."""
    container = body
    whole = weights[body].content
    if not whole:
        for candidate in body.iter("main", "article"):
            if weights[candidate].total * 2 > weights[body].total - weights[body].linked:
                return candidate
        return body
    while True:
        best = max(
            (child for child in container if child.tag in _CONTAINER_TAGS),
            key=lambda child: weights[child].content,
            default=None,
        )
        if best is None or weights[best].content < _CONTENT_SHARE * whole:
            break
        container = best
    # trafilatura may have taken one of several parts: prose beside it brings in the parent.
    best = container
    for ancestor in container.iterancestors():
        if ancestor not in weights:
            break
        beside = sum(_prose(child, weights) for child in ancestor if child is not best)
        if beside > _BESIDE_SHARE * whole:
            container = ancestor
        best = ancestor
    return container


def _prose(element: etree._Element, weights: dict[etree._Element, _Weight]) -> int:
    """Characters of running text below `element`: in paragraphs that are not links, outside
    of what is named as navigation."""
    n_chars = 0
    stack = [element]
    while stack:
        current = stack.pop()
        weight = weights[current]
        if not weight.total or _is_boilerplate(current, weight):
            continue
        if current.tag == "p" and weight.linked * 4 <= weight.total >= _PROSE_CHARS:
            n_chars += weight.total
        else:
            stack.extend(current)
    return n_chars


def _boilerplate(
    container: etree._Element, weights: dict[etree._Element, _Weight]
) -> list[etree._Element]:
    found: list[etree._Element] = []
    stack = list(container)
    while stack:
        element = stack.pop()
        if _is_boilerplate(element, weights[element]):
            found.append(element)
        else:
            stack.extend(element)
    return found


def _is_boilerplate(element: etree._Element, weight: _Weight) -> bool:
    if element.tag in ("h1", "h2", "h3", "h4", "h5", "h6", "table", "pre", "code", "img", "a"):
        return False
    if weight.content * 2 > weight.total:
        return False
    named = (
        element.tag in _SIDE_TAGS
        or element.get("role", "") in _SIDE_ROLES
        or bool(_SIDE_WORDS.search(class_words(element)))
    )
    if named:
        return weight.content * 5 <= weight.total
    return (
        weight.content == 0
        and weight.total > 0
        and weight.linked > _LINK_DENSITY * weight.total
        and element.tag in ("div", "ul", "ol", "section", "p", "dl", "header")
    )
