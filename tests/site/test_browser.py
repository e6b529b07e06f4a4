"""The site in a real browser, opened from disk: no errors, search works, links resolve, it fits."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

Browser = Any
"""The fixture's class stands in conftest.py, which tests can't import."""


def _pages(site: Path) -> list[str]:
    return sorted(path.name for path in site.glob("*.html"))


def _address(site: Path, page: str) -> str:
    name, mark, anchor = page.partition("#")
    return (site / name).as_uri() + mark + anchor


def _shown(browser: Browser) -> list[str]:
    found: list[str] = browser.run(
        "[...document.querySelectorAll('#part-index tbody tr')]"
        ".filter(row => row.checkVisibility()).map(row => row.cells[0].textContent.trim())"
    )
    return found


def test_every_page_opens_without_complaint_and_fetches_only_its_own_files(
    browser: Browser, site: Path
) -> None:
    browser.screen(1280, 800)
    for page in _pages(site):
        browser.complaints()
        browser.open(_address(site, page))
        browser.run("Promise.all([...document.images].map(i => (i.loading = 'eager', i.decode())))")
        assert browser.complaints() == [], page
        assert browser.run("[...document.images].every(i => i.naturalWidth > 0)"), page
        style = browser.run("getComputedStyle(document.querySelector('.skip')).position")
        assert style == "absolute", "the stylesheet is not refused"
    asked = [
        event["params"]["request"]["url"]
        for event in browser.events
        if event.get("method") == "Network.requestWillBeSent"
    ]
    assert any(url.endswith("/site.css") for url in asked)
    base = site.as_uri()
    assert all(url.startswith((base, "data:", "about:")) for url in asked), asked


def test_every_link_and_anchor_resolves_as_the_browser_reads_them(
    browser: Browser, site: Path
) -> None:
    """By the browser's own parsing: what it takes for an address must be a file and an id."""
    links, ids = set(), {}
    for page in _pages(site):
        browser.open(_address(site, page))
        ids[page] = set(browser.run("[...document.querySelectorAll('[id]')].map(e => e.id)"))
        links |= {(page, url) for url in browser.run("[...document.links].map(a => a.href)")}
    assert len(links) > 100
    files = {path.as_uri(): path.relative_to(site).as_posix() for path in site.rglob("*")}
    for page, url in links:
        target, _, anchor = url.partition("#")
        assert target in files, (page, url)
        if anchor and not anchor.startswith("?"):
            assert anchor in ids[files[target]], (page, url)


def test_search_and_filters_work_and_say_how_many(browser: Browser, site: Path) -> None:
    browser.screen(1280, 800)
    browser.open(_address(site, "ledger.html"))
    assert len(_shown(browser)) == 7
    browser.run("document.getElementById('part-filter-q').focus()")
    browser.call("Input.insertText", text="rec-c1 TITLE")
    assert _shown(browser) == ["REC-C1", "REC-C1-R"]
    count = "document.getElementById('part-filter-count').textContent"
    assert browser.run(count) == "2 of 7 claims"
    choose = (
        "(id, value) => {{ const f = document.getElementById('part-filter-' + id); f.value = value;"
        "f.dispatchEvent(new Event('input', {{bubbles: true}})); }}"
    ).replace("{{", "{").replace("}}", "}")  # fmt: skip
    browser.run(f"({choose})('verdict', 'REFUTED')")
    assert _shown(browser) == ["REC-C1"]
    assert browser.run("location.hash") == "#?q=rec-c1+TITLE&verdict=REFUTED"
    browser.run("document.querySelector('#part-filter button').click()")
    browser.run("new Promise(done => setTimeout(done, 20))")
    assert len(_shown(browser)) == 7
    assert browser.run(count) == "7 claims"
    browser.run(f"({choose})('q', 'nothing like this')")
    assert _shown(browser) == []
    assert browser.complaints() == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("?verdict=PROVED", ["EMA-8", "REC-C1-R"]),
        ("?family=ema", ["EMA-8", "EMA-19"]),
        ("?flag=vacuous", ["EMA-19"]),
        ("?flag=counterexample&q=plain", []),
        ("?flag=repair&verdict=PROVED", ["REC-C1-R"]),
        ("?q=col-7.3.2b", ["COL-7.3.2b"]),
    ],
)
def test_a_filtered_view_has_an_address(
    asked: str, expected: list[str], browser: Browser, site: Path
) -> None:
    browser.open(_address(site, f"ledger.html#{asked}"))
    assert _shown(browser) == expected


def test_a_filter_from_another_version_shows_everything(browser: Browser, site: Path) -> None:
    browser.open(_address(site, "ledger.html#?verdict=NO-SUCH&family=%3Cb%3E&x=1"))
    assert len(_shown(browser)) == 7


def test_a_claims_address_leads_to_it_from_the_front_page_too(browser: Browser, site: Path) -> None:
    browser.open(_address(site, "ledger.html#COL-7.3.2b"))
    target = "document.querySelector(':target').id"
    assert browser.run(target) == "COL-7.3.2b"
    browser.open("about:blank")
    browser.call("Page.navigate", url=_address(site, "index.html#EMA-19"))
    browser.until(
        "location.pathname.endsWith('/ledger.html') && document.querySelector(':target') !== null"
    )
    assert browser.run(target) == "EMA-19"
    # A followed link shows the claim though a filter hid it.
    browser.open(_address(site, "ledger.html#?verdict=PROVED"))
    browser.run("location.hash = '#EMA-19'")
    browser.run("new Promise(done => setTimeout(done, 20))")
    assert "EMA-19" in _shown(browser)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(scheme: str, browser: Browser, site: Path) -> None:
    """Wide tables and formulas scroll in their own boxes."""
    browser.screen(360, 740, prefers_color_scheme=scheme)
    for page in _pages(site):
        browser.open(_address(site, page))
        browser.run("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        assert browser.run("document.documentElement.scrollWidth") <= 360, page
        assert browser.run("document.body.scrollWidth") <= 360, page
    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 22, 26)"}[scheme]
    browser.open(_address(site, "tables.html"))
    box = browser.run("(e => [e.scrollWidth, e.clientWidth])(document.querySelector('.scroll'))")
    assert box[0] > 1000 > box[1], "the wide table scrolls in its own box"


def test_the_skip_link_comes_first_and_the_focus_is_seen(browser: Browser, site: Path) -> None:
    browser.screen(1280, 800)
    browser.open(_address(site, "ledger.html"))
    seen = []
    for _ in range(10):
        for kind in ("rawKeyDown", "keyUp"):
            browser.call(
                "Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab",
                windowsVirtualKeyCode=9,
            )  # fmt: skip
        seen.append(browser.run(
            "(e => [e.textContent.trim(), getComputedStyle(e).outlineStyle, "
            "e.getBoundingClientRect().left >= 0])(document.activeElement)"
        ))  # fmt: skip
    assert seen[0] == ["Skip to the content", "solid", True]
    assert [text for text, _, _ in seen[1:4]] == ["Overview", "Answers", "Ledger"]
    assert all(style == "solid" and inside for _, style, inside in seen)


def test_printed_everything_is_open_and_nothing_is_cut(browser: Browser, site: Path) -> None:
    browser.screen(794, 1123)
    browser.call("Emulation.setEmulatedMedia", media="print")
    for page in ("index.html", "claims-recovery.html", "ledger.html", "tables.html"):
        browser.open(_address(site, page))
        hidden = "[...document.querySelectorAll('details > :not(summary)')]"
        closed = browser.run(
            f"{hidden}.filter(e => !e.checkVisibility({{contentVisibilityAuto: true}})).length"
        )
        assert closed == 0, page
        boxes = "[...document.querySelectorAll('.scroll')]"
        assert browser.run(f"{boxes}.every(b => getComputedStyle(b).overflowX === 'visible')")
        assert not browser.run("document.querySelector('header nav').checkVisibility()")
    browser.open(_address(site, "figures.html"))
    after = browser.run("getComputedStyle(document.querySelector('.files a'), '::after').content")
    assert "recovery.pdf" in after or "attr(href)" in after, "a file's address is printed"
    printed = base64.b64decode(browser.call("Page.printToPDF")["data"])
    assert printed.startswith(b"%PDF-")
    browser.call("Emulation.setEmulatedMedia", media="")


def test_hostile_text_is_shown_and_does_nothing(browser: Browser, site: Path) -> None:
    family = next(p for p in _pages(site) if p.startswith("claims-") and "script" in p)
    for page in (
        "index.html",
        "answers.html",
        "ledger.html",
        "figures.html",
        "tables.html",
        family,
    ):
        browser.open(_address(site, page))
        assert (
            browser.run("document.querySelectorAll('img[src=x], main script, [onclick]').length")
            == 0
        )
        assert browser.run("[...document.links].every(a => a.protocol === 'file:')"), page
        assert "\u202e" not in browser.run("document.body.innerText")
    assert "⟨U+202E⟩" in browser.run("document.body.innerText")
    assert browser.complaints() == []
