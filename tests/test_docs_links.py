"""Every link of the documentation leads somewhere: to a file of the repository, and to a heading in it. No network is needed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from support import REPOSITORY

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "tests/**/*.md", ".github/**/*.md")
    for path in REPOSITORY.glob(pattern)
    if not {".venv", "node_modules"} & {*path.parts}
)
MARKDOWN = MarkdownIt("commonmark").enable("table")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def tokens(path: Path) -> Iterator[Token]:
    for one in MARKDOWN.parse(path.read_text("utf-8")):
        yield one
        yield from one.children or ()


def links(path: Path) -> list[str]:
    attributes = [str(one.attrs.get("href") or one.attrs.get("src") or "") for one in tokens(path) if one.type in ("link_open", "image")]
    return [link for link in attributes if link]


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives headings: small letters, no punctuation, dashes for spaces, a number for what comes twice."""
    found: set[str] = set()
    several = MARKDOWN.parse(path.read_text("utf-8"))
    for before, one in itertools.pairwise(several):
        if before.type == "heading_open":
            text = "".join(part.content for part in one.children or () if part.type in ("text", "code_inline"))
            plain = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
            number = 0
            while (name := f"{plain}-{number}" if number else plain) in found:
                number += 1
            found.add(name)
    return found


def fault(path: Path, link: str) -> str:
    """Why a relative link leads nowhere; empty if it does not."""
    name, _, anchor = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.is_relative_to(REPOSITORY.resolve()):
        return f"{link} leaves the repository"
    if not target.exists():
        return f"{link}: there is no such file"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return f"{link}: there is no such heading"
    return ""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    assert [message for link in links(path) if not _ELSEWHERE.match(link) and (message := fault(path, link))] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_links_to_elsewhere_are_secure_and_whole(path: Path) -> None:
    for link in filter(_ELSEWHERE.match, links(path)):
        assert re.fullmatch(r"https://[a-z0-9.-]+(/\S*)?", link), link


def test_wrong_links_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "REPOSITORY", tmp_path)
    one = tmp_path / "one.md"
    one.write_text("# A `b`, c\n\n## Twice\n\n## Twice\n\n[x](two.md) ![y](z.png) [o](#twice-1) `[n](o)`\n\n```\n[in](code)\n```\n")
    (tmp_path / "two.md").write_text("# Two\n")
    assert links(one) == ["two.md", "z.png", "#twice-1"]
    assert anchors(one) == {"a-b-c", "twice", "twice-1"}
    assert [fault(one, link) for link in ("two.md", "two.md#two", "#a-b-c", "#twice-1")] == [""] * 4
    assert fault(one, "z.png") == "z.png: there is no such file"
    assert fault(one, "two.md#three") == "two.md#three: there is no such heading"
    assert fault(one, "../../etc/passwd") == "../../etc/passwd leaves the repository"


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = REPOSITORY / "docs" / "README.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in links(index) if not _ELSEWHERE.match(link)}
    pages = {path.resolve() for path in (REPOSITORY / "docs").glob("*.md")} - {index.resolve()}
    assert sorted(path.name for path in pages - listed) == []
