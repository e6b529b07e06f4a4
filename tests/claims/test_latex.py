"""The LaTeX export: escaped, balanced, plain ASCII, whatever a claim's text holds."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from proofs_check.latex import ledger_latex
from proofs_check.ledger import build, row_of
from proofs_check.model import CheckContext, Claim
from proofs_check.registry import all_claims
from proofs_check.runner import run_claim
from songoku_theory.latex import escape_text

UNESCAPED = re.compile(r"(?<!\\)[&%#_^~$]")


def outside_of_math(text: str) -> str:
    return re.sub(r"\$[^$]*\$", "", text.replace(r"\$", ""))


@given(st.text())
def test_text_without_mathematics_has_no_live_sign(text: str) -> None:
    found = escape_text(text.replace("$", ""))
    assert found.isascii()
    inside = re.sub(r"\\ensuremath\{[^}]*\}+", "", found)
    assert not UNESCAPED.search(inside)


def test_every_shipped_statement_survives() -> None:
    for claim in all_claims():
        for text in (claim.statement, claim.title, claim.source.section):
            found = escape_text(text)
            assert found.isascii(), claim.id
            assert "[U+" not in found, f"{claim.id}: no LaTeX for a sign of {text!r}"
            assert text.count("$") % 2 == 0, f"{claim.id}: unbalanced $ in {text!r}"
            live = re.sub(r"\\ensuremath\{[^}]*\}+", "", outside_of_math(found))
            assert not UNESCAPED.search(live), claim.id


def test_a_document_has_a_row_for_each_claim(proved: Claim, tmp_path: Path) -> None:
    row = row_of(run_claim(proved, CheckContext()), "quick")
    text = ledger_latex(build([row], "quick", {}, {}, (), False))
    assert text.startswith("\\documentclass")
    assert text.rstrip().endswith("\\end{document}")
    assert text.count("\\addlinespace") == 1
    assert "X-1" in text
    assert "PROVED" in text
    alone = ledger_latex(build([row], "quick", {}, {}, (), False), standalone=False)
    assert alone.startswith("\\begin{longtable}")
    assert "documentclass" not in alone
