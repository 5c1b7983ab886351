"""One HTML file that needs nothing else: counts, charts, and the findings with their lines and what to do, to be searched and filtered.

All text is escaped, and a content security policy keeps out every script and style but the two of the page, and every request.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TextIO

from hostprocess.model import Outcome, Report
from hostprocess.report.findings import LEVELS, About, Finding, clipped, errors, findings, how_to_fix, lines_of, one_line, versions

__all__ = ["write"]

_MOST = 5_000  # findings, and as many errors, that a browser shows without trouble
_BARS = 12
_EXCEPTED = "excepted"
_NAMES = {"level": "severity", "rule": "rule", "namespace": "namespace"}
_NO_NAMESPACE = "(none)"
_COUNTED = (Outcome.DENY, Outcome.ERROR, Outcome.UNKNOWN, Outcome.WARN, Outcome.AUDIT, Outcome.EXCEPTED)
_SCHEMES = ("https://", "http://")


def write(report: Report, stream: TextIO, *, color: bool = False, quiet: bool = False) -> None:
    """Writes the page; `color` and `quiet` mean nothing here."""
    style, script = (_part(name) for name in ("page.css", "page.js"))
    total: dict[str, Counter[str]] = {name: Counter() for name in _NAMES}
    for finding in findings(report):
        for name, counter in total.items():
            counter[_values(finding)[name]] += 1
    number = total["level"].total()
    shown = heapq.nsmallest(_MOST, findings(report), key=_rank)
    unread = errors(report)
    verdict = "Not all of the input could be read" if unread else "Something must be mended" if report.failed else "Nothing must be mended"
    made_by = " · ".join(f"{name} {version}" for name, version in versions(report).items())
    stream.write(_HEAD.format(policy=_policy(style, script), style=style, verdict=_text(verdict), made_by=_text(made_by)))
    stream.write(f'<ul class="counts">{"".join(_counts(report))}</ul>\n')
    if unread:
        stream.write("<h2>Not read</h2>\n<dl>\n")
        stream.writelines(f"<dt><code>{_text(_place(one.path, one.line, one.column))}</code></dt><dd>{_text(one.message)}</dd>\n" for one in unread[:_MOST])
        stream.write("</dl>\n")
    if number:
        stream.write(f'<h2>Findings by</h2>\n<div class="charts">{"".join(_chart(name, total[name]) for name in _NAMES)}</div>\n')
    stream.write(f"<h2>Findings</h2>\n{''.join(_filters(total))}")
    if number > _MOST:
        stream.write(f"<p>The gravest {_MOST:,} of {number:,} are here; the others are in the other formats.</p>\n")
    rules: dict[str, About] = {}
    for finding in shown:
        rules[finding.rule] = finding.about
        stream.writelines(_finding(finding))
    if not number:
        stream.write("<p>No findings.</p>\n")
    elif told := "".join(_rule(name, rules[name]) for name in sorted(rules)):
        stream.write(f"<h2>Rules</h2>\n<dl>\n{told}</dl>\n")
    stream.write(f"</main>\n<script>{script}</script>\n</body>\n</html>\n")


_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>hostprocess: {verdict}</title>
<style>{style}</style>
</head>
<body>
<header><div><h1>{verdict}</h1><div class="soft">{made_by}</div></div><button type="button" class="theme script" hidden>Light or dark</button></header>
<main>
"""


def _part(name: str) -> str:
    return "\n" + Path(__file__).with_name(name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    return f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"


def _rank(finding: Finding) -> tuple[bool, bool, int]:
    return bool(finding.excepted), not finding.fails, LEVELS.index(finding.level)


def _values(finding: Finding) -> dict[str, str]:
    """What charts count and filters choose."""
    level = _EXCEPTED if finding.excepted else finding.level
    return {"level": level, "rule": finding.rule, "namespace": one_line(finding.result.namespace) or _NO_NAMESPACE}


def _counts(report: Report) -> Iterator[str]:
    counts = {"resources": report.summary.resources, "judged": report.summary.requests}
    counts |= {str(outcome): report.summary.outcomes.get(outcome, 0) for outcome in _COUNTED}
    if report.summary.errors:
        counts["errors in the input"] = report.summary.errors
    for name, count in counts.items():
        if count or name in ("resources", "judged", "deny"):
            yield f"<li><b>{count:,}</b>{name}</li>"


def _chart(name: str, counter: Counter[str]) -> str:
    most = max(counter.values())
    bars = "".join(_bar(name, value, count, most) for value, count in _ordered(name, counter)[:_BARS])
    left = len(counter) - _BARS
    more = f'<li class="soft">and {left:,} more</li>' if left > 0 else ""
    return f'<section class="chart"><h3>{_NAMES[name]}</h3><ul>{bars}{more}</ul></section>'


def _bar(name: str, value: str, count: int, most: int) -> str:
    kind = value if name == "level" else "plain"
    width = max(round(100 * count / most, 1), 1)
    rects = f'<rect class="track" width="100%" height="100%" rx="2"/><rect class="{kind}" width="{width}%" height="100%" rx="2"/>'
    told = f"<span>{_text(value)}</span><span>{count:,}</span>"
    button = f'<button type="button" class="bar" aria-pressed="false" data-name="{name}" data-value="{_text(value)}">'
    return f'<li>{button}{told}<svg aria-hidden="true">{rects}</svg></button></li>'


def _ordered(name: str, counter: Counter[str]) -> list[tuple[str, int]]:
    if name == "level":
        return [(value, counter[value]) for value in (*LEVELS, _EXCEPTED) if counter[value]]
    return sorted(counter.items(), key=lambda one: (-one[1], one[0]))


def _filters(total: dict[str, Counter[str]]) -> Iterator[str]:
    yield '<form class="filters script" hidden><input type="search" aria-label="Search" placeholder="Search">\n'
    for name, title in _NAMES.items():
        values = (value for value, _ in _ordered(name, total[name])) if name == "level" else sorted(total[name])
        options = "".join(f'<option value="{_text(value)}">{_text(value)}</option>' for value in values)
        yield f'<select name="{name}" aria-label="{title}"><option value="">every {title}</option>{options}</select>\n'
    yield '<button type="reset">Clear</button><span id="shown" class="soft" role="status"></span></form>\n'


def _finding(finding: Finding) -> Iterator[str]:
    values = _values(finding)
    data = "".join(f' data-{name}="{_text(value)}"' for name, value in values.items())
    yield f'<article class="finding {values["level"]}"{data}>\n'
    link = f'<a href="#{_anchor(finding.rule)}">{_text(finding.rule)}</a>'
    yield f'<h3><span class="badge">{_EXCEPTED if finding.excepted else finding.decision.outcome}</span> {link} &#183; {_text(finding.object)}</h3>\n'
    yield f'<p class="message">{_text(finding.message)}</p>\n'
    if finding.excepted:
        yield f"<p>Excepted by {_text(finding.excepted)}</p>\n"
    fields = f" at <code>{_text(', '.join(finding.fields[:3]))}</code>" if finding.fields else ""
    more = f" and {len(finding.fields) - 3:,} more" if len(finding.fields) > 3 else ""
    yield f'<p class="soft"><code>{_text(finding.place)}</code>{fields}{more}</p>\n'
    if any(line.strip() for _, line in lines_of(finding.result)):
        yield f"<pre>{''.join(_lines(finding))}</pre>\n"
    yield from _fix(finding.about)
    yield "</article>\n"


def _lines(finding: Finding) -> Iterator[str]:
    for number, line in lines_of(finding.result):
        at = ' class="at"' if number == finding.result.line else ""
        yield f"<span{at}><i>{number}</i>{_text(line)}</span>"


def _fix(about: About) -> Iterator[str]:
    if fix := how_to_fix(about):
        patch = f"<pre>{_text(chr(10).join(fix[1:]))}</pre>" if fix[1:] else ""
        yield f'<div class="fix"><b>How to fix it:</b> {_text(fix[0])}{patch}</div>\n'


def _rule(name: str, about: About) -> str:
    told = [about.rule.rationale if about.rule else f"The expression that must be true: {about.expression}" if about.expression else ""]
    links = "".join(_link(one) for one in about.rule.references) if about.rule else ""
    return f'<dt id="{_anchor(name)}">{_text(name)}: {_text(about.title)}</dt><dd>{_text(told[0])}{links}</dd>\n'


def _link(url: str) -> str:
    return f'<br><a href="{_text(url)}" rel="noreferrer noopener">{_text(url)}</a>' if url.startswith(_SCHEMES) else f"<br>{_text(url)}"


def _anchor(rule: str) -> str:
    return "rule-" + hashlib.sha256(rule.encode()).hexdigest()[:12]


def _place(path: str, line: int, column: int) -> str:
    return one_line(":".join(str(part) for part in (path, line, column) if part) or "input")


def _text(text: str) -> str:
    """Text, for content and attributes alike."""
    return escape(clipped(text), quote=True).encode("ascii", "xmlcharrefreplace").decode()
