"""The page: complete, escaped, self-contained, honest about what is missing."""

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

from paper_figures.site.build import build_report
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


@pytest.fixture(scope="module")
def built(
    store: Path, ledger_file: Path, drawn: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("report")
    build_report(store, ledger_file, out, drawn)
    return out


@pytest.fixture(scope="module")
def page(built: Path) -> _Page:
    return _Page((built / "index.html").read_text(encoding="utf-8"))


def _build(ledger: dict[str, Any], store: Path, out: Path) -> _Page:
    path = out / "given.json"
    path.write_text(json.dumps(ledger), encoding="utf-8")
    build_report(store, path, out / "report")
    return _Page((out / "report" / "index.html").read_text(encoding="utf-8"))


def test_every_file_is_there_and_the_page_is_small(built: Path) -> None:
    found = {path.name for path in built.iterdir()}
    assert found == {"index.html", "ledger.md", "ledger.json", "provenance.json", "figures"}
    assert sum(path.stat().st_size for path in built.rglob("*") if path.is_file()) < 5_000_000


def test_ids_are_unique_and_every_link_resolves(built: Path, page: _Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    links = [attributes["href"] for attributes in page.all("a")]
    assert len(links) > 40
    for link in links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        else:
            assert (built / link).is_file(), link
    for image in page.all("img"):
        assert (built / image["src"]).is_file()


def test_nothing_is_fetched_from_elsewhere(page: _Page) -> None:
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            if name in FETCHING or (tag == "link" and name == "href"):
                assert not re.match(r"[a-z]+:", value) or value == "data:,", (tag, name, value)
            assert not name.startswith("on"), f"<{tag}> has an inline handler"
    styles = "".join(attributes.get("style", "") for _, attributes in page.elements)
    assert "url(" not in styles


def test_the_stylesheet_fetches_nothing(built: Path) -> None:
    style = re.search(r"<style>(.*?)</style>", (built / "index.html").read_text(), re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_only_the_pages_own_script_may_run(page: _Page) -> None:
    (script,) = page.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert f"script-src 'sha256-{digest}';" in policy
    assert "connect-src 'none'" in policy


def test_every_claim_has_an_address_and_its_parts(page: _Page, ledger: dict[str, Any]) -> None:
    for claim in ledger["claims"]:
        assert claim["id"] in page.ids
        assert claim["evidence"][0]["replay"] in page.text
        assert claim["title"] in page.text
        assert claim["statement"] in page.text, "the LaTeX source"
    assert "three tasks, a gap of 3 steps" in page.text
    assert page.all("math"), "statements are typeset"


def test_the_front_screen_counts_verdicts_and_tells_what_is_false(page: _Page) -> None:
    front = page.text[: page.text.index("Every claim with its verdict, its evidence")]
    assert "10 claims about SON-GOKU, judged by 10 checks" in front
    assert "4 ✓ PROVED" in front
    assert "1 ✗ REFUTED" in front
    assert "1 ∅ VACUOUS" in front
    findings = front[front.index("What does not hold as printed") :]
    refuted, conditional = findings.index("COL-P8 "), findings.index("COL-7 ")
    assert refuted < conditional
    assert "Repaired: n_eff tends to" in findings
    assert "Needs: R >= m" in findings
    assert "Every verdict is the one that is committed" in front


def test_of_many_findings_the_most_mentioned_are_told_in_full(
    ledger: dict[str, Any], store: Path, tmp_path: Path
) -> None:
    """Eight false claims; the other rows speak of the last one, so it comes first."""
    model = ledger["claims"][5]
    many = [{**model, "id": f"COL-{n}", "repaired_by": None} for n in range(100, 108)]
    ledger["claims"] += many
    ledger["claims"][0]["notes"] = "See COL-107, and COL-1070 which is another claim."
    ledger["claims"][1]["used_for"] = "COL-107."
    ledger["claims"][2]["notes"] = "Not COL-107-R."
    page = _build(ledger, store, tmp_path)
    front = page.text[page.text.index("What does not hold") : page.text.index("What says nothing")]
    assert "10 claims. In full: the 6 that the rest of the ledger speaks of most" in front
    assert front.index("COL-107") < front.index("COL-100")
    others = front[front.index("The other 4") :]
    assert "COL-106" in others
    assert "COL-7" in others
    assert "Counterexample" not in others


def test_equations_are_named_once(ledger: dict[str, Any], store: Path, tmp_path: Path) -> None:
    ledger["claims"][0]["source"]["equations"] = ["eq. 8", "18"]
    assert "App. B.2, eq. 8, 18" in _build(ledger, store, tmp_path).text


def test_a_verdict_is_text_and_not_colour_alone(page: _Page, ledger: dict[str, Any]) -> None:
    for claim in ledger["claims"]:
        assert claim["verdict"]["kind"].replace("_", " ") in page.text


def test_a_repair_and_what_it_repairs_link_to_each_other(built: Path) -> None:
    text = (built / "index.html").read_text()
    articles = dict(
        re.findall(r'<article class="claim" id="([^"]+)"(.*?)</article>', text, re.DOTALL)
    )
    assert 'href="#COL-P8-R"' in articles["COL-P8"]
    assert 'href="#COL-P8"' in articles["COL-P8-R"]
    assert 'href="#COL-P8"' not in articles["COL-P1"]


def test_pictures_have_their_caption_as_text(page: _Page, drawn: Path) -> None:
    images = {image["src"]: image for image in page.all("img")}
    assert list(images) == [
        f"figures/{name}.png" for name in ("pipeline", "recovery", "n_eff", "ledger")
    ]
    for name in ("pipeline", "recovery"):
        caption = json.loads((drawn / f"{name}.json").read_text())["caption"]
        image = images[f"figures/{name}.png"]
        assert image["alt"] == caption
        assert caption in page.text
        assert int(image["width"]) > int(image["height"]) > 0


def test_the_page_can_be_used_without_eyes_mouse_or_script(page: _Page) -> None:
    assert page.elements[0] == ("html", {"lang": "en"})
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels)), "no level is skipped"
    assert all("scope" in attributes for attributes in page.all("th"))
    assert page.all("a")[0]["href"] == "#part-top", "the first stop skips to the content"
    (form,) = page.all("form")
    assert "hidden" in form, "without script the filter, which would do nothing, is not shown"
    labels = [tag for tag, _ in page.elements].count("label")
    assert labels == len(page.all("select")) + len(page.all("input")) == 4
    for section in page.all("section"):
        assert section["aria-labelledby"] in page.ids
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
        "meta"
    )


def test_runs_and_real_tasks_are_told(page: _Page) -> None:
    runs = page.text[page.text.index("A cell's key is the hash") :]
    assert "8 finished cells, 2.00 s" in page.text
    assert "recovery 1 7 0 1.75 s" in runs
    assert "three made-up tasks SYNTH" in runs
    assert "upright accuracy 0.750 0.500 4 2" in runs


def test_provenance_holds_every_key(built: Path, store: Path) -> None:
    found = json.loads((built / "provenance.json").read_text())
    keys = {key for it in found["store"]["experiments"].values() for key in it["keys"]}
    assert keys == read_runs(store).keys
    assert found["ledger"]["provenance"]["commit"] == "a" * 40
    assert found["store"]["written_by"] == [
        {"python": "3.11.0", "commit": "f" * 40, "dirty": False}
    ]
    assert set(found["figures"]) == {"pipeline", "recovery", "n_eff", "ledger"}
    assert all(not figure["doubts"] for figure in found["figures"].values())


def test_the_ledgers_copies_say_the_same(built: Path, ledger: dict[str, Any]) -> None:
    assert json.loads((built / "ledger.json").read_text()) == ledger
    text = (built / "ledger.md").read_text()
    for claim in ledger["claims"]:
        assert f"\n## {claim['id']}: {claim['title']}\n" in text
    table = text[text.index("| id |") : text.index("\n## ")].strip().splitlines()
    assert len(table) == 2 + len(ledger["claims"])
    assert "PROVED UP TO (n = 6)" in text
    assert "repaired by COL-P8-R" in text


HOSTILE = "</script><img src=x onerror=alert(1)> \"'&<b>{{ 7919*7907 }} | ` [x](javascript:y) \n# h"


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
    page = _build(ledger, store, tmp_path)
    assert len(page.scripts) == 1
    assert not page.all("img")
    assert not page.all("b")
    assert "62615533" not in page.text
    assert page.text.count(" ".join(HOSTILE.split())) > 20
    assert all(not re.search(r"[\s<>\"']", one) for one in page.ids)
    assert len(page.ids) == len(set(page.ids))
    for link in page.all("a"):
        assert not link["href"].startswith("javascript")
        assert not link["href"].startswith("#") or link["href"][1:] in page.ids


@pytest.mark.parametrize("claim_id", ["part-ledger", "two words", "9th", "a#b", "EMA 8", ""])
def test_any_id_gets_an_address_of_its_own(
    claim_id: str, ledger: dict[str, Any], store: Path, tmp_path: Path
) -> None:
    ledger["claims"][0]["id"] = claim_id
    page = _build(ledger, store, tmp_path)
    assert len(page.ids) == len(set(page.ids))
    articles = [a["id"] for a in page.all("article") if a.get("class") == "claim"]
    assert len(articles) == 10
    assert f"#{articles[0]}" in {link["href"] for link in page.all("a")}
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", one) for one in articles)


def test_hostile_text_stays_in_its_cell_of_the_markdown(
    ledger: dict[str, Any], store: Path, tmp_path: Path
) -> None:
    ledger["claims"][0]["title"] = ledger["claims"][0]["plain"] = HOSTILE
    _build(ledger, store, tmp_path)
    text = (tmp_path / "report" / "ledger.md").read_text()
    (row,) = [line for line in text.splitlines() if line.startswith("| EMA-8 |")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    assert "\n# h" not in text
    assert not re.search(r"(?<!\\)<", text)


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
    page = _Page((tmp_path / "index.html").read_text())
    assert "Cells that failed" in page.text
    assert f"ValueError: {' '.join(HOSTILE.split())}" in page.text
    assert not page.all("img")
    assert len(page.scripts) == 1


def test_differing_verdicts_are_shouted(
    ledger: dict[str, Any], store: Path, tmp_path: Path
) -> None:
    ledger["expected"] = {
        "matches": False,
        "differences": [{"id": "EMA-8", "expected": "REFUTED", "found": "PROVED"}],
    }
    page = _build(ledger, store, tmp_path)
    assert "EMA-8: expected REFUTED, found PROVED" in page.text
    assert "Every verdict is the one" not in page.text
    assert any(attributes.get("role") == "alert" for _, attributes in page.elements)


def test_what_is_missing_is_said_with_its_command(tmp_path: Path) -> None:
    report = build_report(tmp_path / "no.sqlite", tmp_path / "no.json", tmp_path / "out")
    assert [gap.what for gap in report.gaps] == ["the ledger", "the store", "some figures"]
    page = _Page((tmp_path / "out" / "index.html").read_text())
    for command in ("songoku claims check --all", "songoku sweep run quick", "songoku trace",
                    "songoku figures pipeline"):  # fmt: skip
        assert command in page.text
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"index.html", "provenance.json"}
    for link in page.all("a"):
        href = link["href"]
        assert href[1:] in page.ids or (tmp_path / "out" / href).is_file(), href


def test_a_ledger_that_cant_be_read_is_a_gap_and_its_old_copies_go(
    store: Path, ledger_file: Path, tmp_path: Path
) -> None:
    build_report(store, ledger_file, tmp_path)
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    report = build_report(store, broken, tmp_path)
    assert report.ledger is None
    assert "is not JSON" in report.gaps[0].why
    assert not (tmp_path / "ledger.md").exists()
    assert "is not JSON" in (tmp_path / "index.html").read_text()


def test_a_store_that_cant_be_read_is_a_gap(ledger_file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "store.sqlite"
    broken.write_text("hello")
    report = build_report(broken, ledger_file, tmp_path / "out")
    assert report.runs is None
    assert "not a store" in report.gaps[0].why


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
    assert "This picture is out of date" in (tmp_path / "out" / "index.html").read_text()


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
    page = _Page((tmp_path / "index.html").read_text())
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


def test_the_same_inputs_give_the_same_page(built: Path, store: Path, ledger_file: Path) -> None:
    before = (built / "index.html").read_bytes()
    build_report(store, ledger_file, built)
    assert (built / "index.html").read_bytes() == before


def test_questions_are_answered_beside_the_figures_that_they_come_from(
    built: Path, store: Path, ledger_file: Path, drawn: Path, tmp_path: Path
) -> None:
    shutil.copytree(drawn, tmp_path / "figures")
    path = tmp_path / "figures" / "n_eff.json"
    content = json.loads(path.read_text())
    content["answers"] = [{"question": "Is <b>beta</b> enough?", "text": "Not beyond 19 samples."}]
    path.write_text(json.dumps(content))
    build_report(store, ledger_file, tmp_path)
    text = (tmp_path / "index.html").read_text()
    page = _Page(text)
    assert "Is <b>beta</b> enough?" in page.text
    assert "<b>beta</b>" not in text
    assert "Not beyond 19 samples." in page.text
    assert "part-answers" in [attributes.get("id") for _, attributes in page.elements]
    assert "#part-figure-n_eff" in [link["href"] for link in page.all("a")]
    for name in (path.stem for path in drawn.glob("*.json")):
        told = json.loads((drawn / f"{name}.json").read_text())["answers"]
        shown = _Page((built / "index.html").read_text()).text
        assert all(answer["question"] in shown for answer in told)
