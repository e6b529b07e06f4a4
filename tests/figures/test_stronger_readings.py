"""What a paper does not claim must not stand among its mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from paper_figures.cli import report


def told(ledger: dict[str, Any], folder: Path) -> tuple[str, int, int]:
    """The findings of the front page; how many are the papers' and how many are not."""
    (folder / "ledger.json").write_text(json.dumps(ledger))
    arguments = ["--store", str(folder / "none.sqlite"), "--ledger", str(folder / "ledger.json")]
    outcome = CliRunner().invoke(report, [*arguments, "--out", str(folder / "report")])
    assert outcome.exit_code == 0, outcome.output
    page = (folder / "report" / "index.html").read_text()
    counts = re.search(r"(\d+) statements of the papers and (\d+) stronger", page)
    assert counts is not None, page
    findings = page[page.index('id="part-findings"') : counts.start()]
    return findings, int(counts[1]), int(counts[2])


def test_a_stronger_reading_that_fails_is_told_apart_from_what_a_paper_claims(
    ledger: dict[str, Any], tmp_path: Path
) -> None:
    findings, of_papers, ours = told(ledger, tmp_path)
    assert "#COL-P8" in findings
    (refuted,) = (c for c in ledger["claims"] if c["id"] == "COL-P8")
    refuted["source"]["paper"] = "songoku"
    findings, fewer, more = told(ledger, tmp_path)
    assert (fewer, more) == (of_papers - 1, ours + 1)
    assert "#COL-P8" not in findings
    assert "#COL-7" in findings
