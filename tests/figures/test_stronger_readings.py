"""What a paper does not claim must not stand among its mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from paper_figures.cli import report


def front_page(ledger: dict[str, Any], folder: Path) -> str:
    (folder / "ledger.json").write_text(json.dumps(ledger))
    arguments = ["--store", str(folder / "none.sqlite"), "--ledger", str(folder / "ledger.json")]
    outcome = CliRunner().invoke(report, [*arguments, "--out", str(folder / "report")])
    assert outcome.exit_code == 0, outcome.output
    page = (folder / "report" / "index.html").read_text()
    return page[: page.index('id="part-ledger"')]


def test_a_stronger_reading_that_fails_is_told_apart_from_what_a_paper_claims(
    ledger: dict[str, Any], tmp_path: Path
) -> None:
    assert "Stronger forms" not in front_page(ledger, tmp_path)
    (refuted,) = (c for c in ledger["claims"] if c["id"] == "COL-P8")
    refuted["source"]["paper"] = "songoku"
    front = front_page(ledger, tmp_path)
    printed, stronger = front.split("Stronger forms that the papers do not claim")
    assert 'href="#COL-P8"' not in printed
    assert 'href="#COL-P8"' in stronger
    assert 'href="#COL-7"' in printed
