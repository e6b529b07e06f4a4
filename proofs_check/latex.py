"""A ledger as LaTeX: a document of its own, or its table alone for ``\\input`` into a paper.

Statements hold LaTeX between dollar signs; everything outside of it is text and is escaped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

__all__ = ["escape_text", "ledger_latex"]

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_\allowbreak{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
}
_MATH = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon",
    "η": r"\eta", "θ": r"\theta", "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "ξ": r"\xi",
    "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "φ": r"\varphi", "χ": r"\chi",
    "ω": r"\omega", "Γ": r"\Gamma", "Δ": r"\Delta", "Λ": r"\Lambda", "Φ": r"\Phi",
    "Σ": r"\Sigma", "Ω": r"\Omega", "Θ": r"\Theta", "∇": r"\nabla", "∂": r"\partial",
    "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx", "≡": r"\equiv", "→": r"\to",
    "⇒": r"\Rightarrow", "⇔": r"\Leftrightarrow", "∞": r"\infty", "∈": r"\in", "∉": r"\notin",
    "∪": r"\cup", "∩": r"\cap", "⊆": r"\subseteq", "∅": r"\emptyset", "×": r"\times",
    "·": r"\cdot", "±": r"\pm", "−": "-", "√": r"\surd", "‖": r"\|", "⟨": r"\langle",
    "⟩": r"\rangle", "⌈": r"\lceil", "⌉": r"\rceil", "⌊": r"\lfloor", "⌋": r"\rfloor",
    "²": "^2", "³": "^3", "½": r"\tfrac12", "∑": r"\sum", "∏": r"\prod", "∫": r"\int",
    "₀": "_0", "₁": "_1", "₂": "_2", "₃": "_3", "∀": r"\forall", "∃": r"\exists",
    "ℝ": r"\mathbb{R}", "≪": r"\ll", "≫": r"\gg", "∝": r"\propto", "⊥": r"\perp",
    "ℓ": r"\ell", "⁻": "^-", "⁴": "^4", "ᵀ": r"^\top", "⊙": r"\odot",
}  # fmt: skip
_ACCENTS = {
    "\N{COMBINING TILDE}": r"\,\tilde{}",
    "\N{COMBINING MACRON}": r"\,\bar{}",
    "\N{COMBINING OVERLINE}": r"\,\bar{}",
    "\N{COMBINING CIRCUMFLEX ACCENT}": r"\,\hat{}",
}
"""They stand behind their letter; LaTeX sets them beside it."""
_ASCII = {"–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\ldots{}"}
_DOLLARS = re.compile(r"(\$[^$]*\$)")

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


def escape_text(text: str) -> str:
    r"""Make text safe for LaTeX; what stands between dollar signs is mathematics and stays.

    Examples
    --------
    >>> print(escape_text("R_m is 5% of $\\eta^2$, β ≥ 1"))
    R\_\allowbreak{}m is 5\% of $\eta^2$, \ensuremath{\beta} \ensuremath{\ge} 1
    """
    pieces = _DOLLARS.split(text)
    return "".join(
        _ascii_math(piece) if _DOLLARS.fullmatch(piece) else "".join(map(_character, piece))
        for piece in pieces
    )


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


def _character(found: str) -> str:
    if found in _SPECIAL:
        return _SPECIAL[found]
    if found in _ASCII:
        return _ASCII[found]
    if found == "\n":
        return " "
    if found.isascii():
        return found
    return rf"\ensuremath{{{_math(found)}}}"


def _ascii_math(piece: str) -> str:
    return "".join(found if found.isascii() else f"{_math(found)} " for found in piece)


def _math(found: str) -> str:
    if found in _ACCENTS:
        return _ACCENTS[found]
    # A sign that no list foresees must not stop the document: its code stands for it.
    return _MATH.get(found, rf"\text{{[U+{ord(found):04X}]}}")
