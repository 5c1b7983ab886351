"""The HTML report in a real browser: filters, search, charts, both colour schemes, a phone, and hostile text."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import CHROMIUM, Page, browser, pixels
from hostprocess.model import Report
from hostprocess.report.findings import findings
from reports import decision, excepted, report, report_of, result, worst, written

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs a headless browser: apt-get install chromium")]
SHOWN = "document.querySelectorAll('.finding:not([hidden])').length"


@pytest.fixture(scope="module")
def started() -> Iterator[Page]:
    with browser() as page:
        yield page


@pytest.fixture
def page(started: Page) -> Page:
    started.events.clear()
    started.scheme("light")
    started.size(1200, 900)
    return started


def opened(page: Page, folder: Path, of: Report) -> Page:
    file = folder / "report.html"
    file.write_text(written(of, "html"), encoding="utf-8")
    page.open(file)
    return page


def shot(page: Page, name: str) -> tuple[int, list[bytes]]:
    """The width and the rows of a picture, which is kept where HOSTPROCESS_SCREENSHOTS says."""
    picture = page.screenshot()
    if folder := os.environ.get("HOSTPROCESS_SCREENSHOTS"):
        Path(folder, f"{name}.png").write_bytes(picture)
    width, _, rows = pixels(picture)
    return width, rows


def quiet(page: Page) -> None:
    """Nothing went wrong, and nothing was asked of a network."""
    assert page.told("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded") == []
    assert {one["request"]["url"].partition(":")[0] for one in page.told("Network.requestWillBeSent")} == {"file"}


def test_charts_filters_and_search(page: Page, tmp_path: Path) -> None:
    found = list(findings(report_of("findings")))
    opened(page, tmp_path, report_of("findings"))
    assert page.value(SHOWN) == len(found)
    levels = Counter(one.level for one in found)
    counts = page.value("[...document.querySelectorAll('.bar[data-name=level] span:last-of-type')].map((one) => Number(one.textContent))")
    assert counts == [levels[name] for name in ("error", "warning", "note")]
    page.click(".bar[data-name=level][data-value=error]")
    assert page.value(SHOWN) == levels["error"]
    assert page.value("document.querySelector('.bar[data-value=error]').getAttribute('aria-pressed')") == "true"
    assert page.value("document.querySelector('#shown').textContent") == f"{levels['error']} of {len(found)} shown"
    page.click(".bar[data-name=namespace][data-value=default]")
    both = [one for one in found if one.level == "error" and one.result.namespace == "default"]
    assert page.value(SHOWN) == len(both) > 0
    page.click(".bar[data-name=level][data-value=error]")
    assert page.value(SHOWN) == sum(one.result.namespace == "default" for one in found)
    page.click("button[type=reset]")
    page.click("input[type=search]")
    page.type("HOSTNETWORK must device-plugin")
    assert page.value("[...document.querySelectorAll('.finding:not([hidden])')].map((one) => one.dataset.rule)") == ["requires-host-network"]
    page.type(" nowhere")
    assert page.value(SHOWN) == 0
    quiet(page)


def test_a_finding_has_its_lines_and_the_fix(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, report_of("findings"))
    one = "document.querySelector('.finding[data-rule=requires-host-network]')"
    assert page.value(f"{one}.querySelector('.at').textContent.replace(/\\s+/g, ' ')") == "22 spec:"
    assert page.value(f"{one}.querySelectorAll('pre')[0].children.length") == 5
    assert "How to fix it: Set hostNetwork to true in the pod's spec." in page.value(f"{one}.textContent")
    assert page.value(f"{one}.querySelector('.fix pre').textContent") == "hostprocess fix --select requires-host-network"
    page.click(".finding[data-rule=requires-host-network] h3 a")
    assert page.value("document.querySelector(location.hash).innerText").startswith("requires-host-network: ")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_reader(page: Page, tmp_path: Path, scheme: str) -> None:
    page.scheme(scheme)
    opened(page, tmp_path, report_of("findings"))
    for name in (scheme, {"light": "dark", "dark": "light"}[scheme]):
        width, rows = shot(page, f"{scheme}-{name}")
        corner = rows[2][:3]
        assert (max(corner) < 60) == (name == "dark"), corner
        assert (min(corner) > 200) == (name == "light"), corner
        size = len(rows[0]) // width
        assert len({row[at : at + 3] for row in rows[::5] for at in range(0, len(row), size * 5)}) > 30  # text, bars, cards: a page and not a blank
        assert page.value(CONTRAST) >= 4.5
        page.click(".theme")


# The least contrast of text and what lies behind it, as WCAG computes it.
CONTRAST = """
(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255).map((one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (one) => {
    const found = parse(getComputedStyle(one).backgroundColor);
    return found[3] === 0 ? behind(one.parentElement) : found;
  };
  return Math.min(...[...document.querySelectorAll("h1,h3,.soft,.badge,.message,a,code,i,b,.bar span,.at")].map((one) => {
    const [low, high] = [light(parse(getComputedStyle(one).color)), light(behind(one))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }));
})()
"""


def test_a_phone_needs_no_sideways_scrolling(page: Page, tmp_path: Path) -> None:
    long = report(*(result(decision(message="w" * 300, fields=("spec." + "f" * 300,)), name="n" * 250, path="p/" * 100, excerpt="e" * 400) for _ in range(3)))
    page.size(360, 800, phone=True)
    for of in (report_of("findings"), long):
        opened(page, tmp_path, of)
        assert page.value("document.documentElement.scrollWidth") == 360
    shot(page, "phone")
    assert page.value("Math.min(...[...document.querySelectorAll('button, input, select')].map((one) => one.getBoundingClientRect().height))") >= 24
    quiet(page)


def test_hostile_text_is_text(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, worst())
    assert page.value("document.scripts.length") == 1
    assert page.value("document.querySelectorAll('img, iframe, object, form:not(.filters), style ~ style').length") == 0
    assert page.value("[...document.querySelectorAll('*')].flatMap((one) => [...one.attributes]).filter((one) => /^on|^style$/.test(one.name)).length") == 0
    assert page.value("[...document.links].filter((one) => !/^(https:\\/\\/|file:.*#rule-)/.test(one.href)).length") == 0
    assert "</script><script>alert(1)</script>" in page.value("document.body.textContent")
    quiet(page)


def test_the_policy_keeps_out_what_is_put_in(page: Page, tmp_path: Path) -> None:
    """Were there a hole, it would lead nowhere: scripts, styles, pictures and requests of others are refused."""
    opened(page, tmp_path, report_of("findings"))
    put_in = '<img src="https://evil.example/x.png" onerror="window.ran = 1"><b style="color: red" id=red>x</b>'
    page.value(f"window.ran = 0; document.body.insertAdjacentHTML('beforeend', {json.dumps(put_in)})")
    page.value("(() => { const one = document.createElement('script'); one.textContent = 'window.ran = 2'; document.body.append(one); })()")
    assert page.value("fetch('https://evil.example').then(() => 'sent', () => 'refused')") == "refused"
    assert page.value("window.ran") == 0
    assert page.value("getComputedStyle(document.querySelector('#red')).color") != "rgb(255, 0, 0)"
    told = page.told("Log.entryAdded")
    assert sum("Content Security Policy" in one["entry"]["text"] for one in told) >= 4


def test_without_findings_and_with_excepted_ones(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, report_of("nothing"))
    assert "Nothing must be mended" in page.value("document.body.innerText")
    assert "0 of 0 shown" in page.value("document.body.innerText")
    opened(page, tmp_path, report(result(excepted()), result(decision(message="x"))))
    page.click(".bar[data-value=excepted]")
    assert page.value(SHOWN) == 1
    assert "Excepted by exception: agreed" in page.value("document.querySelector('.finding:not([hidden])').innerText")
    quiet(page)


def test_it_can_be_read_without_scripts(page: Page, tmp_path: Path) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened(page, tmp_path, report_of("findings"))
        root = page.call("DOM.getDocument", depth=-1)["root"]
        assert len(page.call("DOM.querySelectorAll", nodeId=root["nodeId"], selector=".finding")["nodeIds"]) == len(list(findings(report_of("findings"))))
        assert len(page.call("DOM.querySelectorAll", nodeId=root["nodeId"], selector=".script[hidden]")["nodeIds"]) == 2
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)
