"""The LaTeX names that the page's typesetter knows, and the characters that they stand for."""

from __future__ import annotations

__all__ = [
    "ACCENTS",
    "FUNCTIONS",
    "IDENTIFIERS",
    "LARGE",
    "OPERATORS",
    "SPACES",
    "letter_in",
]

IDENTIFIERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "vartheta": "ϑ", "kappa": "κ", "lambda": "λ",
    "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "phi": "ϕ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
    "ell": "ℓ", "infty": "∞", "emptyset": "∅", "varnothing": "∅", "partial": "∂",
    "nabla": "∇", "ldots": "…", "dots": "…", "cdots": "⋯", "top": "⊤", "bot": "⊥", "star": "⋆",
    "prime": "′", "hbar": "ℏ",
}  # fmt: skip

OPERATORS = {
    "le": "≤", "leq": "≤", "leqslant": "⩽", "ge": "≥", "geq": "≥", "geqslant": "⩾", "ne": "≠",
    "neq": "≠", "lt": "<", "gt": ">", "ll": "≪", "gg": "≫", "approx": "≈", "equiv": "≡", "sim": "∼",
    "simeq": "≃", "propto": "∝", "lesssim": "≲", "gtrsim": "≳", "in": "∈", "notin": "∉", "ni": "∋",
    "subset": "⊂", "subseteq": "⊆", "supset": "⊃", "supseteq": "⊇", "cup": "∪", "cap": "∩",
    "sqcup": "⊔", "setminus": "∖", "to": "→", "rightarrow": "→", "leftarrow": "←", "mapsto": "↦",
    "Rightarrow": "⇒", "Leftarrow": "⇐", "implies": "⟹", "iff": "⟺", "Leftrightarrow": "⇔",
    "leftrightarrow": "↔", "forall": "∀", "exists": "∃", "neg": "¬", "land": "∧", "wedge": "∧",
    "lor": "∨", "vee": "∨", "times": "×", "cdot": "⋅", "pm": "±", "mp": "∓", "div": "÷", "ast": "∗",
    "circ": "∘", "oplus": "⊕", "otimes": "⊗", "mid": "|", "vert": "|", "Vert": "‖", "lVert": "‖",
    "rVert": "‖", "lvert": "|", "rvert": "|", "langle": "⟨", "rangle": "⟩", "lceil": "⌈",
    "rceil": "⌉", "lfloor": "⌊", "rfloor": "⌋", "lbrace": "{", "rbrace": "}", "colon": ":",
    "coloneqq": "≔", "triangleq": "≜", "perp": "⊥", "parallel": "∥", "prec": "≺", "succ": "≻",
    "preceq": "⪯", "succeq": "⪰", "bmod": "mod", "square": "□", "dagger": "†",
    "{": "{", "}": "}", "|": "‖", "%": "%", "&": "&", "#": "#", "$": "$", "_": "_",
}  # fmt: skip

LARGE = {
    "sum": "∑", "prod": "∏", "int": "∫", "bigcup": "⋃", "bigcap": "⋂", "bigsqcup": "⨆",
    "bigwedge": "⋀", "bigvee": "⋁",
}  # fmt: skip

FUNCTIONS = frozenset(
    {
        "log", "ln", "exp", "max", "min", "sup", "inf", "lim", "limsup", "liminf", "arg", "det",
        "dim", "sin", "cos", "tan", "tanh", "cosh", "sinh", "arccos", "Pr", "gcd", "deg", "ker",
    }
)  # fmt: skip

ACCENTS = {
    "hat": "^", "widehat": "^", "tilde": "~", "widetilde": "~", "bar": "¯", "overline": "¯",
    "vec": "→", "dot": "˙",
}  # fmt: skip

SPACES = {",": "0.17em", ":": "0.22em", ";": "0.28em", " ": "0.25em", "!": "-0.17em",
          "quad": "1em", "qquad": "2em"}  # fmt: skip

_ALPHABETS = {"mathbb": 0x1D538, "mathcal": 0x1D49C, "mathbf": 0x1D400}
_LOWER = {"mathbf": 0x1D41A}
# Unicode had these before it had the rest of their alphabets.
_ELSEWHERE = {
    "mathbb": {"C": "ℂ", "H": "ℍ", "N": "ℕ", "P": "ℙ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ"},
    "mathcal": {"B": "ℬ", "E": "ℰ", "F": "ℱ", "H": "ℋ", "I": "ℐ", "L": "ℒ", "M": "ℳ", "R": "ℛ"},
    "mathbf": {},
}


def letter_in(alphabet: str, letter: str) -> str | None:
    """Find a letter in ``mathbb``, ``mathcal`` or ``mathbf``; None if it is not there.

    Examples
    --------
    >>> letter_in("mathbb", "R"), letter_in("mathcal", "O"), letter_in("mathbb", "!")
    ('ℝ', '𝒪', None)
    """
    if letter in _ELSEWHERE[alphabet]:
        return _ELSEWHERE[alphabet][letter]
    if "A" <= letter <= "Z":
        return chr(_ALPHABETS[alphabet] + ord(letter) - ord("A"))
    if "a" <= letter <= "z" and alphabet in _LOWER:
        return chr(_LOWER[alphabet] + ord(letter) - ord("a"))
    return None
