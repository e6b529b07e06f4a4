"""A ledger as LaTeX: a document of its own, or its table alone for ``\\input`` into a paper.

Statements hold LaTeX between dollar signs; everything outside of it is text and is escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from songoku_theory.latex import escape_text

__all__ = ["ledger_latex"]

_HEAD = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=2cm,landscape]{geometry}
\usepackage{amsmath,amssymb,array,longtable,booktabs}
\begin{document}
"""
_COLUMNS = (
    r"\begin{longtable}{@{}>{\raggedright\arraybackslash}p{2.6cm}"
    r">{\raggedright\arraybackslash}p{12.2cm}>{\raggedright\arraybackslash}p{3.6cm}"
    r">{\raggedright\arraybackslash}p{4cm}@{}}"
)


def ledger_latex(ledger: Mapping[str, Any], *, standalone: bool = True) -> str:
    r"""Return the ledger as LaTeX.

    Parameters
    ----------
    ledger : mapping
        As :func:`proofs_check.ledger.read` gives it.
    standalone : bool, default True
        A whole document; else only the ``longtable``, which needs the packages ``amsmath``,
        ``amssymb``, ``array``, ``longtable`` and ``booktabs``.

    Returns
    -------
    str
        Plain ASCII.
    """
    rows = ledger["claims"]
    counts = Counter(row["verdict"]["kind"] for row in rows)
    said = ", ".join(f"{n} {escape_text(kind)}" for kind, n in sorted(counts.items()))
    caption = f"Claims ledger: {len(rows)} claims ({said or 'none'}), profile {ledger['profile']}."
    heads = r"id & claim & verdict & source \\ \midrule"
    table = [
        _COLUMNS,
        rf"\caption{{{caption}}}\\ \toprule",
        heads,
        r"\endfirsthead",
        r"\toprule",
        heads,
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *(_row(row) for row in rows),
        r"\end{longtable}",
        "",
    ]
    body = "\n".join(table)
    return f"{_HEAD}{body}\\end{{document}}\n" if standalone else body


def _row(row: Mapping[str, Any]) -> str:
    verdict = row["verdict"]
    name = str(verdict["kind"]) + (f" ({verdict['qualifier']})" if verdict["qualifier"] else "")
    if row["vacuous"]["is"]:
        name += ", VACUOUS"
    source = row["source"]
    equations = f", eq. {', '.join(source['equations'])}" if source["equations"] else ""
    claim = rf"\textbf{{{escape_text(row['title'])}.}} {escape_text(row['statement'])}"
    if row["counterexample"] is not None:
        claim += rf" \emph{{Counterexample: {escape_text(row['counterexample']['summary'])}}}"
    if row["repaired_by"]:
        claim += f" Repaired: {escape_text(row['repaired_by'])}."
    cells = (
        rf"\texttt{{{escape_text(row['id'])}}}",
        claim,
        escape_text(name),
        escape_text(f"{source['paper']}, {source['section']}{equations}"),
    )
    return " & ".join(cells) + r" \\ \addlinespace"
