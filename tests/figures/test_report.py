"""The site: complete, escaped, self-contained, honest about what is missing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from paper_figures.cli import report as report_command
from paper_figures.site.build import KEY_DIGITS, build_report
from paper_figures.site.plain_text import shown
from paper_figures.site.runs import read_runs
from songoku_theory.errors import InvalidInputError

Experiment = tuple[dict[str, type], list[tuple[dict[str, Any], list[dict[str, Any]]]]]
StoreMaker = Callable[[dict[str, Experiment]], Path]

VOID = {"meta", "link", "img", "input", "br", "hr"}
FETCHING = {"src", "srcset", "poster", "data", "action", "formaction", "background", "manifest"}


class _Page(HTMLParser):
    """What the tests ask of a page: elements with attributes, ids, links, text, scripts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts[-1] += data
        elif not self._open or self._open[-1] != "style":
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


class _Site:
    """All pages of a built report."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages = {
            path.name: _Page(path.read_text(encoding="utf-8"))
            for path in sorted(folder.glob("*.html"))
        }

    def __getitem__(self, name: str) -> _Page:
        return self.pages[name]

    @property
    def front(self) -> _Page:
        return self.pages["index.html"]

    @property
    def text(self) -> str:
        return " ".join(page.text for page in self.pages.values())

    @property
    def claims(self) -> dict[str, dict[str, str]]:
        """Each claim in full: its address and its element."""
        return {
            f"{name}#{article['id']}": article
            for name, page in self.pages.items()
            if name.startswith("claims-")
            for article in page.all("article")
        }

    def check_links(self) -> int:
        """Follow every link and sub-resource of every page; give how many there are."""
        count = 0
        for name, page in self.pages.items():
            assert len(page.ids) == len(set(page.ids)), name
            for tag, attribute in (("a", "href"), ("img", "src")):
                for element in page.all(tag):
                    target, _, anchor = element[attribute].partition("#")
                    where = f"{name}: {element[attribute]}"
                    count += 1
                    if target:
                        assert (self.folder / target).is_file(), where
                    if anchor and not anchor.startswith("?"):
                        assert anchor in self.pages[target or name].ids, where
        return count


MENU = [
    "index.html", "answers.html", "ledger.html", "figures.html", "tables.html", "runs.html",
    "provenance.html",
]  # fmt: skip


@pytest.fixture(scope="module")
def built(
    store: Path, ledger_file: Path, drawn: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("report")
    build_report(store, ledger_file, out, drawn)
    return out


@pytest.fixture(scope="module")
def site(built: Path) -> _Site:
    return _Site(built)


def _build(ledger: dict[str, Any], store: Path, out: Path) -> _Site:
    path = out / "given.json"
    path.write_text(json.dumps(ledger), encoding="utf-8")
    build_report(store, path, out / "report")
    return _Site(out / "report")


def test_every_file_is_there(built: Path) -> None:
    assert {path.name for path in built.iterdir()} == {
        *MENU, "claims-ema.html", "claims-coloring.html", "site.css", "provenance.json", "figures",
    }  # fmt: skip


def test_every_link_resolves_and_every_page_is_in_the_menu(site: _Site) -> None:
    assert site.check_links() > 150
    for name, page in site.pages.items():
        menu = page.all("a")[1 : 1 + len(MENU)]
        assert [link["href"] for link in menu] == MENU
        marked = [link["href"] for link in menu if link.get("aria-current") == "page"]
        assert marked == [name if name in MENU else "ledger.html"]


def test_nothing_is_fetched_from_elsewhere(site: _Site) -> None:
    for page in site.pages.values():
        for tag, attributes in page.elements:
            for name, value in attributes.items():
                if name in FETCHING or (tag == "link" and name == "href"):
                    assert not re.match(r"[a-z]+:", value) or value == "data:,", (tag, name, value)
                assert not name.startswith("on"), f"<{tag}> has an inline handler"
            assert "style" not in attributes
    style = (site.folder / "site.css").read_text()
    assert "url(" not in style
    assert "@import" not in style


def test_only_the_sites_own_scripts_may_run(site: _Site) -> None:
    for name, page in site.pages.items():
        assert len(page.scripts) == (2 if name == "ledger.html" else 1)
        (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
        assert policy.startswith("default-src 'none';")
        allowed = policy[policy.index("script-src") :].split(";")[0]
        digests = [hashlib.sha256(script.encode()).digest() for script in page.scripts]
        hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
        assert allowed == f"script-src {' '.join(hashes)}"


def test_every_claim_has_an_address_and_its_parts(site: _Site, ledger: dict[str, Any]) -> None:
    for claim in ledger["claims"]:
        page = site[f"claims-{claim['family']}.html"]
        assert claim["id"] in page.ids
        assert f"songoku claims check {claim['id']}" in page.text
        assert claim["title"] in page.text
        assert page.all("math"), "statements are typeset"
        assert claim["id"] in site["ledger.html"].ids, "the address that survives a move"
    assert "three tasks, a gap of 3 steps" in site["claims-coloring.html"].text


def test_the_front_screen_counts_verdicts_and_tells_what_is_false(site: _Site) -> None:
    front = site.front.text
    assert "10 claims about SON-GOKU and its theory, judged by 10 checks" in front
    assert "4 PROVED" in front
    assert "1 REFUTED" in front
    assert "1 VACUOUS" in front
    findings = front[front.index("What does not hold as printed") :]
    refuted, conditional = findings.index("COL-P8 "), findings.index("COL-7 ")
    assert refuted < conditional
    assert "Repaired: n_eff tends to" in findings
    assert "Needs: R >= m" in findings
    assert "Every verdict is the one that is committed" in front
    links = [link["href"] for link in site.front.all("a")]
    assert "ledger.html#?verdict=REFUTED" in links
    assert "ledger.html#?flag=vacuous" in links


def test_headlines_come_first_with_their_pictures_then_the_most_mentioned(
    ledger: dict[str, Any], store: Path, drawn: Path, tmp_path: Path
) -> None:
    """A headline, a claim that the other rows speak of, and of six others one: three in all."""
    model = ledger["claims"][5]
    many = [{**model, "id": f"COL-{n}", "repaired_by": None} for n in range(100, 106)]
    ledger["claims"] += [*many, {**model, "id": "REC-C1", "repaired_by": None}]
    ledger["claims"][0]["notes"] = "See COL-105, and COL-1050 which is another claim."
    ledger["claims"][1]["used_for"] = "COL-105."
    ledger["claims"][2]["notes"] = "Not COL-105-R."
    shutil.copytree(drawn, tmp_path / "report" / "figures")
    site = _build(ledger, store, tmp_path)
    told = [a["href"] for a in site.front.all("a") if a["href"].startswith("claims-coloring")]
    articles = [a for a in site.front.all("article") if a.get("class") == "finding"]
    assert len(articles) == 3
    assert told[:2] == ["claims-coloring.html#REC-C1", "claims-coloring.html#COL-105"]
    assert [image["src"] for image in site.front.all("img")] == ["figures/recovery.png"]
    assert "9 statements of the papers" in site.front.text


def test_the_usual_questions_are_answered_on_the_front_page(
    ledger: dict[str, Any], store: Path, drawn: Path, tmp_path: Path
) -> None:
    refuted = ledger["claims"][5]
    conditional = ledger["claims"][7]
    ledger["claims"] += [{**refuted, "id": "REC-C1", "repaired_by": None},
                         {**conditional, "id": "COL-7.3.2b", "repaired_by": None}]  # fmt: skip
    shutil.copytree(drawn, tmp_path / "report" / "figures")
    text = _build(ledger, store, tmp_path).front.text
    asked = text[text.index("What readers ask first") :]
    recovery, starving = asked.index("Is the recovery theorem"), asked.index("Can a task starve?")
    assert "Not as printed" in asked[recovery:starving]
    told = {a["question"]: a["text"] for a in json.loads(
        (drawn / "recovery.json").read_text())["answers"]}  # fmt: skip
    assert told["How many effective samples does recovery take?"] in asked[recovery:starving]
    assert "Yes, unless R >= m." in asked[starving:]
    assert "Not measured in this report: How long tasks wait" in asked[starving:]
    assert "songoku figures staleness" in asked[starving:]


def test_equations_are_named_once(ledger: dict[str, Any], store: Path, tmp_path: Path) -> None:
    ledger["claims"][0]["source"]["equations"] = ["eq. 8", "18"]
    assert "App. B.2, eq. 8, 18" in _build(ledger, store, tmp_path)["claims-ema.html"].text


def test_a_command_that_is_not_the_claims_own_is_told(
    ledger: dict[str, Any], store: Path, tmp_path: Path
) -> None:
    evidence = ledger["claims"][5]["evidence"][0]
    ledger["claims"][5]["evidence"].append({**evidence, "replay": "songoku claims replay col_p8"})
    text = _build(ledger, store, tmp_path)["claims-coloring.html"].text
    assert text.count("songoku claims replay col_p8") == 1
    assert "songoku claims check COL-P8 --only" not in text, "said once, for all checks"
    assert "songoku claims check COL-P8 " in text


def test_a_verdict_is_text_and_not_colour_alone(site: _Site, ledger: dict[str, Any]) -> None:
    for claim in ledger["claims"]:
        kind = claim["verdict"]["kind"].replace("_", " ")
        assert kind in site[f"claims-{claim['family']}.html"].text
        assert kind in site["ledger.html"].text


def test_a_repair_and_what_it_repairs_link_to_each_other(built: Path) -> None:
    text = (built / "claims-coloring.html").read_text()
    articles = dict(
        re.findall(r'<article class="claim" id="([^"]+)"(.*?)</article>', text, re.DOTALL)
    )
    assert 'href="claims-coloring.html#COL-P8-R"' in articles["COL-P8"]
    assert 'href="claims-coloring.html#COL-P8"' in articles["COL-P8-R"]
    assert 'href="claims-coloring.html#COL-P8"' not in articles["COL-P1"]


def test_pictures_say_what_they_show_and_have_their_caption_as_text(
    site: _Site, drawn: Path
) -> None:
    page = site["figures.html"]
    images = {image["src"]: image for image in page.all("img")}
    assert list(images) == [
        f"figures/{name}.png" for name in ("pipeline", "recovery", "n_eff", "ledger")
    ]
    for name in ("pipeline", "recovery", "n_eff"):
        found = json.loads((drawn / f"{name}.json").read_text())
        image = images[f"figures/{name}.png"]
        assert image["alt"].startswith(f"{found['title']}. {found['caption'][:20]}")
        assert 40 < len(image["alt"]) <= 320
        assert "Stored cells" not in image["alt"]
        assert found["caption"] in page.text
        assert int(image["width"]) > int(image["height"]) > 0


@pytest.mark.parametrize("name", [*MENU, "claims-coloring.html"])
def test_a_page_can_be_used_without_eyes_mouse_or_script(name: str, site: _Site) -> None:
    page = site[name]
    assert page.elements[0] == ("html", {"lang": "en"})
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels)), "no level is skipped"
    tags = [tag for tag, _ in page.elements]
    assert tags.count("main") == tags.count("header") == tags.count("footer") == 1
    assert all("scope" in attributes for attributes in page.all("th"))
    assert tags.count("caption") == tags.count("table")
    assert page.all("a")[0]["href"] == "#part-top", "the first stop skips to the content"
    assert page.all("main")[0]["id"] == "part-top"
    for named in (*page.all("section"), *page.all("article")):
        assert named["aria-labelledby"] in page.ids if "aria-labelledby" in named else True
    for region in [a for _, a in page.elements if a.get("role") == "region"]:
        assert region["aria-label"]
        assert region["tabindex"] == "0", "what scrolls can be reached by keyboard"
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
        "meta"
    )


def test_the_filter_is_labelled_and_says_how_many_it_found(site: _Site) -> None:
    page = site["ledger.html"]
    (form,) = page.all("form")
    assert "hidden" in form, "without script the filter, which would do nothing, is not shown"
    labels = [tag for tag, _ in page.elements].count("label")
    assert labels == len(page.all("select")) + len(page.all("input")) == 4
    (output,) = page.all("output")
    assert output["aria-live"] == "polite"
    options = [option["value"] for option in page.all("option")]
    for value in ("REFUTED", "PROVED", "ema", "coloring", "vacuous", "repaired", "counterexample"):
        assert value in options


def test_runs_and_real_tasks_are_told(site: _Site) -> None:
    runs = site["runs.html"].text
    assert "8 finished cells, 2.00 s" in runs
    assert "recovery 1 7 0 1.75 s" in runs
    assert "three made-up tasks SYNTH" in runs
    assert "upright accuracy 0.750 0.500 4 2" in runs


def test_what_the_scheduler_saw_is_told(site: _Site) -> None:
    """Refresh 1 has one conflict of three pairs, refresh 2 two; two classes each."""
    runs = site["runs.html"].text
    assert "digits 1 2 50% (33 to 67) 2.0 (2 to 2) – – 2" in runs
    assert "No run of a benchmark is stored" in runs
    assert "songoku group yeast --recorded" in runs


def test_provenance_holds_every_key(built: Path, store: Path) -> None:
    found = json.loads((built / "provenance.json").read_text())
    keys = {key for it in found["store"]["experiments"].values() for key in it["keys"]}
    assert keys == {key[:KEY_DIGITS] for key in read_runs(store).keys}
    assert len(keys) == len(read_runs(store).keys)
    assert found["ledger"]["provenance"]["commit"] == "a" * 40
    assert found["store"]["written_by"] == [
        {"python": "3.11.0", "commit": "f" * 40, "dirty": False}
    ]
    assert set(found["figures"]) == {"pipeline", "recovery", "n_eff", "ledger"}
    assert all(not figure["doubts"] for figure in found["figures"].values())


def test_files_of_earlier_versions_go(store: Path, ledger_file: Path, tmp_path: Path) -> None:
    for name in ("ledger.md", "ledger.json", "claims-gone.html"):
        (tmp_path / name).write_text("old")
    (tmp_path / "mine.html").write_text("kept")
    build_report(store, ledger_file, tmp_path)
    assert not {path.name for path in tmp_path.iterdir()} & {"ledger.md", "claims-gone.html"}
    assert not (tmp_path / "ledger.json").exists()
    assert (tmp_path / "mine.html").exists()


HOSTILE = (
    "</script><img src=x onerror=alert(1)> \"'&<b>{{ 7919*7907 }} ]]> \u202egnp.x\u2066 | ` "
    "[x](javascript:y) \n# h"
)


def test_hostile_text_stays_text(ledger: dict[str, Any], store: Path, tmp_path: Path) -> None:
    claim = ledger["claims"][0]
    for field in ("title", "plain", "statement", "used_for", "reading", "notes", "family"):
        claim[field] = HOSTILE
    claim["id"] = f"ID {HOSTILE}"
    claim["verdict"].update(qualifier=HOSTILE, reason=HOSTILE)
    claim["vacuous"] = {"is": True, "at": HOSTILE}
    claim["assumptions"] = [{"name": HOSTILE, "text": HOSTILE}]
    claim["source"] = {"paper": HOSTILE, "section": HOSTILE, "equations": [HOSTILE]}
    claim["counterexample"] = {"file": HOSTILE, "summary": HOSTILE}
    claim["evidence"][0].update(
        name=HOSTILE, method=HOSTILE, outcome=HOSTILE, detail=HOSTILE, replay=HOSTILE, scope=HOSTILE
    )
    ledger["claims"][1]["repaired_by"] = claim["id"]
    ledger["expected"] = {
        "matches": False, "differences": [{"id": HOSTILE, "expected": None, "found": HOSTILE}]
    }  # fmt: skip
    ledger["profile"] = HOSTILE
    ledger["provenance"] = {HOSTILE: HOSTILE, "packages": {HOSTILE: HOSTILE}}
    site = _build(ledger, store, tmp_path)
    assert site.check_links() > 100
    for name, page in site.pages.items():
        assert len(page.scripts) == (2 if name == "ledger.html" else 1)
        assert not page.all("img")
        assert all(not re.search(r"[\s<>\"']", one) for one in page.ids)
        assert not any(link["href"].startswith("javascript") for link in page.all("a"))
    assert "62615533" not in site.text
    told = " ".join(str(shown(HOSTILE)).split())
    assert "⟨U+202E⟩" in told
    assert site.text.count(told) > 20
    assert "\u202e" not in site.text
    family = next(name for name in site.pages if "script-img" in name)
    assert re.fullmatch(r"claims-[A-Za-z0-9_-]+\.html", family)


@pytest.mark.parametrize("claim_id", ["part-ledger", "two words", "9th", "a#b", "EMA 8", ""])
def test_any_id_gets_an_address_of_its_own(
    claim_id: str, ledger: dict[str, Any], store: Path, tmp_path: Path
) -> None:
    ledger["claims"][0]["id"] = claim_id
    site = _build(ledger, store, tmp_path)
    site.check_links()
    assert len(site.claims) == 10
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", one["id"]) for one in site.claims.values())
    first = next(address for address in site.claims if address.startswith("claims-ema"))
    assert first in {link["href"] for link in site["ledger.html"].all("a")}


@pytest.mark.parametrize(
    "family", ["", "..", "a/b", "A", "con", "x" * 300, "two words", "ema.html"]
)
def test_any_family_gets_a_page_of_its_own(
    family: str, ledger: dict[str, Any], store: Path, tmp_path: Path
) -> None:
    for claim in ledger["claims"][:2]:
        claim["family"] = family
    site = _build(ledger, store, tmp_path)
    site.check_links()
    names = [name for name in site.pages if name.startswith("claims-")]
    assert len(names) == 3
    assert all(re.fullmatch(r"claims-[A-Za-z0-9_-]{1,60}\.html", name) for name in names)
    assert {path.name for path in tmp_path.iterdir()} == {"given.json", "report"}


def test_rows_and_failures_of_a_store_are_escaped(
    make_store: StoreMaker, trace: Experiment, ledger_file: Path, tmp_path: Path
) -> None:
    params, rows = trace[1][0]
    named = [{**r, "label": HOSTILE if r["kind"] == "task_name" else r["label"]} for r in rows]
    path = make_store({"trace": (trace[0], [(params, named)])})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO cells VALUES "
            "(?, 'trace', 1, 'failed', 1.0, '', 1, '{}', ?, NULL, 0, NULL)",
            ("e" * 32, f"Traceback\nValueError: {HOSTILE.replace(chr(10), ' ')}"),
        )
        connection.commit()
    build_report(path, ledger_file, tmp_path)
    page = _Page((tmp_path / "runs.html").read_text())
    assert "Cells that failed" in page.text
    assert f"ValueError: {' '.join(str(shown(HOSTILE)).split())}" in page.text
    assert not page.all("img")
    assert len(page.scripts) == 1


def test_differing_verdicts_are_shouted(
    ledger: dict[str, Any], store: Path, tmp_path: Path
) -> None:
    ledger["expected"] = {
        "matches": False,
        "differences": [{"id": "EMA-8", "expected": "REFUTED", "found": "PROVED"}],
    }
    page = _build(ledger, store, tmp_path).front
    assert "EMA-8: expected REFUTED, found PROVED" in page.text
    assert "Every verdict is the one" not in page.text
    assert any(attributes.get("role") == "alert" for _, attributes in page.elements)


def test_what_is_missing_is_said_with_its_command(tmp_path: Path) -> None:
    report = build_report(tmp_path / "no.sqlite", tmp_path / "no.json", tmp_path / "out")
    assert [gap.what for gap in report.gaps][:2] == ["the ledger", "the store"]
    assert all("figure" in gap.what for gap in report.gaps[2:])
    site = _Site(tmp_path / "out")
    for command in ("songoku claims check --all", "songoku sweep run quick", "songoku trace"):
        assert command in site.front.text
    for name, command in (("ledger.html", "songoku claims check --all"),
                          ("figures.html", "songoku figures pipeline"),
                          ("tables.html", "songoku figures"),
                          ("answers.html", "songoku figures"),
                          ("runs.html", "songoku sweep run quick")):  # fmt: skip
        assert command in site[name].text
    assert {p.name for p in (tmp_path / "out").iterdir()} == {*MENU, "site.css", "provenance.json"}
    site.check_links()


def test_a_store_without_some_experiments_names_each_and_its_command(
    make_store: StoreMaker, recovery: Experiment, ledger_file: Path, drawn: Path, tmp_path: Path
) -> None:
    (tmp_path / "figures").mkdir()
    for kind in ("png", "pdf", "csv", "json"):
        shutil.copy(drawn / f"recovery.{kind}", tmp_path / "figures")
    store = make_store({"recovery": recovery})
    report = build_report(store, ledger_file, tmp_path)
    assert [figure.name for figure in report.drawn] == ["recovery"]
    said = {gap.command: gap.why for gap in report.gaps}
    assert "pipeline" in said["songoku trace, then songoku figures"]
    assert "staleness" in said["songoku sweep run quick, then songoku figures"]
    assert (
        "No traced run is stored. Make one with songoku trace" in _Site(tmp_path)["runs.html"].text
    )


def test_a_ledger_that_cant_be_read_is_a_gap_and_its_old_copies_go(
    store: Path, ledger_file: Path, tmp_path: Path
) -> None:
    build_report(store, ledger_file, tmp_path)
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    report = build_report(store, broken, tmp_path)
    assert report.ledger is None
    assert "is not JSON" in report.gaps[0].why
    assert not list(tmp_path.glob("claims-*.html"))
    assert "is not JSON" in (tmp_path / "index.html").read_text()
    _Site(tmp_path).check_links()


def test_a_ledger_of_another_version_is_a_gap(
    ledger: dict[str, Any], store: Path, tmp_path: Path
) -> None:
    ledger["schema"] = 99
    front = _build(ledger, store, tmp_path).front
    assert "has schema 99" in front.text
    assert "songoku claims check --all" in front.text


def test_a_store_that_cant_be_read_is_a_gap(ledger_file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "store.sqlite"
    broken.write_text("hello")
    report = build_report(broken, ledger_file, tmp_path / "out")
    assert report.runs is None
    assert "not a store" in report.gaps[0].why


def test_a_report_without_a_file_that_was_named_is_no_success(
    ledger_file: Path, tmp_path: Path
) -> None:
    broken, absent = tmp_path / "store.sqlite", tmp_path / "none.sqlite"
    broken.write_text("hello")

    def run(store: Path, ledger: Path) -> int:
        given = ["--store", str(store), "--ledger", str(ledger), "--out", str(tmp_path / "out")]
        return CliRunner().invoke(report_command, given).exit_code

    assert run(absent, ledger_file) == 0
    assert run(broken, ledger_file) == 1
    assert run(absent, broken) == 1


def test_a_figure_of_other_rows_is_called_out_of_date(
    make_store: StoreMaker, trace: Experiment, ledger: dict[str, Any], drawn: Path, tmp_path: Path
) -> None:
    params, rows = trace[1][0]
    path = make_store({"trace": (trace[0], [({**params, "seed": 9}, rows)])})
    ledger["profile"] = "full"
    given = tmp_path / "ledger.json"
    given.write_text(json.dumps(ledger))
    report = build_report(path, given, tmp_path / "out", drawn)
    doubts = {figure.name: figure.doubts for figure in report.drawn}
    assert doubts["pipeline"] == ("1 of the 1 cells that it shows are not in the store",)
    assert doubts["ledger"] == ("it was drawn from another ledger than the one shown here",)
    assert doubts["n_eff"] == ()
    assert "This picture is out of date" in (tmp_path / "out" / "figures.html").read_text()


@pytest.mark.parametrize("damage", ["json", "png", "gone"])
def test_a_damaged_figure_is_named_not_shown(
    damage: str, store: Path, ledger_file: Path, drawn: Path, tmp_path: Path
) -> None:
    shutil.copytree(drawn, tmp_path / "figures")
    if damage == "json":
        (tmp_path / "figures" / "n_eff.json").write_text('{"schema": 1}')
    elif damage == "png":
        (tmp_path / "figures" / "n_eff.png").write_bytes(b"GIF89a" + bytes(40))
    else:
        (tmp_path / "figures" / "n_eff.pdf").unlink()
    report = build_report(store, ledger_file, tmp_path)
    whole = {path.stem for path in drawn.glob("*.json")}
    assert whole & {figure.name for figure in report.undrawn} == {"n_eff"}
    page = _Page((tmp_path / "figures.html").read_text())
    assert "figures/n_eff.png" not in [image["src"] for image in page.all("img")]
    assert "songoku figures n_eff" in page.text


def test_a_failed_build_leaves_the_last_good_page(
    store: Path, ledger_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_report(store, ledger_file, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InvalidInputError, match="No space left"):
        build_report(store, tmp_path / "none.json", tmp_path)
    assert (tmp_path / "index.html").read_bytes() == before[tmp_path / "index.html"]
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def test_the_same_inputs_give_the_same_files(
    store: Path, ledger_file: Path, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paper_figures.site.build.provenance", lambda: {"commit": "c" * 40})
    contents = []
    for name in ("one", "two"):
        build_report(store, ledger_file, tmp_path / name, drawn)
        files = (path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert contents[0] == contents[1]


def test_a_folder_that_cant_be_written_is_named(
    store: Path, ledger_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match=r"file/report can't be made.*--out"):
        build_report(store, ledger_file, tmp_path / "file" / "report")


def test_questions_are_answered_beside_the_figures_that_they_come_from(
    built: Path, store: Path, ledger_file: Path, drawn: Path, tmp_path: Path
) -> None:
    shutil.copytree(drawn, tmp_path / "figures")
    path = tmp_path / "figures" / "n_eff.json"
    content = json.loads(path.read_text())
    content["answers"] = [{"question": "Is <b>beta</b> enough?", "text": "Not beyond 19 samples."}]
    path.write_text(json.dumps(content))
    build_report(store, ledger_file, tmp_path)
    text = (tmp_path / "answers.html").read_text()
    page = _Page(text)
    assert "Is <b>beta</b> enough?" in page.text
    assert "<b>beta</b>" not in text
    assert "Not beyond 19 samples." in page.text
    assert "figures.html#part-figure-n_eff" in [link["href"] for link in page.all("a")]
    for name in (path.stem for path in drawn.glob("*.json")):
        told = json.loads((drawn / f"{name}.json").read_text())["answers"]
        asked = _Page((built / "answers.html").read_text()).text
        assert all(answer["question"] in asked for answer in told)
