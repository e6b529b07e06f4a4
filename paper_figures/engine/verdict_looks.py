"""How each verdict looks, in figures and in the report: colour, sign and words together."""

from __future__ import annotations

from dataclasses import dataclass

from paper_figures.engine.ledger_file import VERDICTS
from paper_figures.engine.style import PALETTE

__all__ = ["LOOKS", "VerdictLook"]


@dataclass(frozen=True, slots=True)
class VerdictLook:
    """A verdict's colour, the ink that is readable on it, a one-character sign, and a gloss."""

    kind: str
    color: str
    ink: str
    sign: str
    label: str
    meaning: str


_LOOKS = (
    VerdictLook(
        "PROVED",
        PALETTE["green"],
        "#000000",
        "✓",
        "proved",
        "true for all sizes: a proof by computer algebra, exact arithmetic or a solver (or a "
        "written proof), and at least one independent method that agrees",
    ),
    VerdictLook(
        "PROVED_UP_TO",
        PALETTE["sky"],
        "#000000",
        "≤",
        "proved up to a size",
        "true for every case up to a stated size: all of them were enumerated",
    ),
    VerdictLook(
        "CERTIFIED",
        PALETTE["blue"],
        "#FFFFFF",
        "◆",
        "certified",
        "true up to a numerical gap that a certificate bounds",
    ),
    VerdictLook(
        "SUPPORTED",
        PALETTE["yellow"],
        "#000000",
        "~",
        "supported",
        "a statistical test that was declared beforehand agrees; the interval says how closely",
    ),
    VerdictLook(
        "CONDITIONAL",
        PALETTE["orange"],
        "#000000",
        "!",
        "conditional",
        "false as printed, true with an assumption that the paper does not state",
    ),
    VerdictLook(
        "REFUTED",
        PALETTE["vermilion"],
        "#000000",
        "✗",
        "refuted",
        "false: a counterexample replays in exact arithmetic",
    ),
    VerdictLook(
        "UNDECIDED",
        "#B5B5B5",
        "#000000",
        "?",
        "undecided",
        "not settled by any check: this is never counted as a pass",
    ),
)

LOOKS = {look.kind: look for look in _LOOKS}
"""By verdict, strongest support first."""

assert tuple(LOOKS) == VERDICTS
