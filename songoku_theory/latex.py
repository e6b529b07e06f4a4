r"""Text as LaTeX: what is special is escaped, signs become mathematics, the rest stays ASCII.

The ledger and the tables are both written as LaTeX, by packages that do not import each other.
"""

from __future__ import annotations

import re

__all__ = ["escape_plain", "escape_text"]

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
    "↑": r"\uparrow", "↓": r"\downarrow", "†": r"\dagger", "✓": r"\checkmark",
    "▲": r"\blacktriangle", "▼": r"\blacktriangledown",
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


def escape_plain(text: str) -> str:
    r"""Make text safe for LaTeX, a dollar sign too: for names and labels that others chose.

    Examples
    --------
    >>> print(escape_plain("accuracy (%) ↑, $x_1$"))
    accuracy (\%) \ensuremath{\uparrow}, \$x\_\allowbreak{}1\$
    """
    return "".join(map(_character, text))


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
