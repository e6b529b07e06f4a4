"""Typeset the ledger's statements offline: a small part of LaTeX, turned into MathML.

Browsers draw MathML themselves, so the page needs no script and no font from elsewhere. What the
typesetter does not know it refuses: the page then shows the statement's plain text.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from paper_figures.site.math_symbols import (
    ACCENTS,
    FUNCTIONS,
    IDENTIFIERS,
    LARGE,
    OPERATORS,
    SPACES,
    letter_in,
)

__all__ = ["typeset"]

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[0-9]+(?:\.[0-9]+)?|\s+|.", re.DOTALL)
_MATH = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
_TEXT = frozenset({"text", "mathrm", "operatorname", "mathit", "textrm", "mathsf", "textit"})
_SWITCHES = frozenset({"\\rm", "\\it", "\\sf"})
_FRACTIONS = frozenset({"frac", "tfrac", "dfrac"})
_SIZES = frozenset({"left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "bigg", "Bigg"})
_MUTE = frozenset({"displaystyle", "textstyle", "limits", "nolimits"})
_FENCES = frozenset("()[]|.<>/")
_DEEPEST = 40
SHORTEST_WORD = 3


class _UnknownMathError(Exception):
    """The source holds something that the typesetter does not know."""


def typeset(text: str) -> Markup | None:
    """Turn text with LaTeX between dollar signs into HTML with MathML.

    Parameters
    ----------
    text : str
        E.g. ``"If $n\\to\\infty$, then ..."``. All of it is escaped.

    Returns
    -------
    Markup or None
        None if some of it can't be typeset: show something else.

    Examples
    --------
    >>> typeset("at most $\\\\Delta+1$ colours")
    Markup('at most <math><mi>Δ</mi><mo>+</mo><mn>1</mn></math> colours')
    >>> typeset("$\\\\unheardof$") is None
    True
    """
    parts: list[str] = []
    done = 0
    for found in _MATH.finditer(text):
        parts.append(str(escape(text[done : found.start()])))
        source = found[1] or found[2]
        display = ' display="block"' if found[1] else ""
        try:
            parts.append(f"<math{display}>{_Parser(source).whole()}</math>")
        except _UnknownMathError:
            return None
        done = found.end()
    rest = text[done:]
    if "$" in rest:
        return None
    return Markup("".join(parts)) + rest


def _tag(name: str, content: str, attributes: str = "") -> str:
    return f"<{name}{attributes}>{content}</{name}>"


def _leaf(name: str, text: str, attributes: str = "") -> str:
    return _tag(name, str(escape(text)), attributes)


class _Parser:
    """A recursive-descent parser of one formula; each method returns MathML."""

    def __init__(self, source: str) -> None:
        self._tokens = _TOKEN.findall(source)
        self._at = 0
        self._depth = 0

    def whole(self) -> str:
        """Parse everything."""
        return "".join(self._items(None))

    def _peek(self) -> str | None:
        while self._at < len(self._tokens) and self._tokens[self._at].isspace():
            self._at += 1
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> str:
        token = self._peek()
        if token is None:
            raise _UnknownMathError
        self._at += 1
        return token

    def _items(self, closing: str | None) -> list[str]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _UnknownMathError
        items: list[str] = []
        while (token := self._peek()) != closing:
            if token is None:
                raise _UnknownMathError
            items.append(self._scripted())
        if closing is not None:
            self._next()
        self._depth -= 1
        return items

    def _scripted(self) -> str:
        """An atom with its sub- and superscripts."""
        token = self._peek()
        base = "<mrow></mrow>" if token in ("^", "_") else self._atom()
        function = token is not None and token[1:] in FUNCTIONS and token[0] == "\\"
        scripts: dict[str, str] = {}
        while (mark := self._peek()) in ("^", "_", "'"):
            self._next()
            place = "^" if mark == "'" else str(mark)
            if place in scripts:
                raise _UnknownMathError
            scripts[place] = "<mo>′</mo>" if mark == "'" else self._argument()
        if len(scripts) == 2:
            base = _tag("msubsup", base + scripts["_"] + scripts["^"])
        elif scripts:
            base = _tag("msub" if "_" in scripts else "msup", base + "".join(scripts.values()))
        # "log n" needs air between its parts, "log(n)" does not.
        air = function and self._peek() not in ("(", "[", "{", "}", ")", ",", "\\left", None)
        return base + '<mspace width="0.17em"/>' if air else base

    def _argument(self) -> str:
        token = self._peek()
        if token in (None, "}", "^", "_"):
            raise _UnknownMathError
        if token is not None and token[0].isdigit():  # without braces LaTeX takes one digit
            self._tokens[self._at : self._at + 1] = list(token)
        return self._atom()

    def _atom(self) -> str:
        token = self._next()
        if token == "{":
            if self._peek() in _SWITCHES:
                self._next()
                return _leaf("mtext", self._letters().strip())
            word = self._word()
            if word is not None:
                return _leaf("mi", word)
            items = self._items("}")
            return items[0] if len(items) == 1 else _tag("mrow", "".join(items))
        if token.startswith("\\"):
            return self._command(token[1:])
        if token[0].isdigit():
            return _leaf("mn", token)
        if token.isalpha():
            return _leaf("mi", token)
        if token in ("}", "&", "~", "#", "%"):
            raise _UnknownMathError
        return _leaf("mo", "−" if token == "-" else token, _fence(token))

    def _word(self) -> str | None:
        """A name between braces, as in a subscript: one word rather than a product of letters."""
        end = self._at
        while end < len(self._tokens) and self._tokens[end].isalpha():
            end += 1
        if end - self._at < SHORTEST_WORD or self._tokens[end : end + 1] != ["}"]:
            return None
        word = "".join(self._tokens[self._at : end])
        self._at = end + 1
        return word

    def _command(self, name: str) -> str:
        simple = self._symbol(name)
        if simple is not None:
            return simple
        if name in _FRACTIONS:
            return _tag("mfrac", self._argument() + self._argument())
        if name == "sqrt":
            return self._root()
        if name in ACCENTS:
            over = _leaf("mo", ACCENTS[name], ' stretchy="false"')
            return _tag("mover", self._argument() + over, ' accent="true"')
        if name in _TEXT:
            return _leaf("mtext", self._raw())
        if name in ("mathbb", "mathcal", "mathbf"):
            letters = [letter_in(name, letter) for letter in self._raw()]
            if not letters or None in letters:
                raise _UnknownMathError
            return _leaf("mi", "".join(str(letter) for letter in letters))
        if name in _SIZES:
            return self._fence_of()
        raise _UnknownMathError

    def _symbol(self, name: str) -> str | None:
        if name in IDENTIFIERS:
            return _leaf("mi", IDENTIFIERS[name])
        if name in OPERATORS:
            return _leaf("mo", OPERATORS[name], _fence(OPERATORS[name]))
        if name in LARGE:
            return _leaf("mo", LARGE[name])
        if name in FUNCTIONS:
            return _leaf("mi", name)
        if name in SPACES:
            return f'<mspace width="{SPACES[name]}"/>'
        return "" if name in _MUTE else None

    def _root(self) -> str:
        if self._peek() != "[":
            return _tag("msqrt", self._argument())
        self._next()
        degree = _tag("mrow", "".join(self._items("]")))
        return _tag("mroot", self._argument() + degree)

    def _fence_of(self) -> str:
        token = self._next()
        if token == ".":
            return ""
        text = OPERATORS.get(token[1:]) if token.startswith("\\") else token
        if text is None or (not token.startswith("\\") and token not in _FENCES):
            raise _UnknownMathError
        return _leaf("mo", text)

    def _raw(self) -> str:
        """The letters between braces, as they stand; without braces the next letter."""
        first = self._next()
        if first.isalpha() and len(first) == 1:
            return first
        if first != "{":
            raise _UnknownMathError
        return self._letters()

    def _letters(self) -> str:
        """What stands before the next closing brace."""
        letters: list[str] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]  # as it stands: spaces count here
            self._at += 1
            if token == "}":
                return "".join(letters)
            if token[0] in "\\{$^" and token != "\\ ":
                raise _UnknownMathError
            letters.append(token.removeprefix("\\"))
        raise _UnknownMathError


def _fence(text: str) -> str:
    """Brackets and bars keep the size of what they stand among."""
    return ' stretchy="false"' if text in "()[]{}|‖⟨⟩⌈⌉⌊⌋" else ""
