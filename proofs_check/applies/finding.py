"""What is found when a theorem is held to a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Applied", "Held", "Tightness"]


@dataclass(frozen=True, slots=True)
class Held:
    """A hypothesis (or a conclusion), instance by instance.

    Parameters
    ----------
    text : str
        What it says, e.g. ``"tau (|S| - 1) < 1"``.
    held : tuple of bool
        One an instance: a refresh, or a class at a refresh.
    of : str
        What an instance is, e.g. ``"refreshes"``.
    note : str
        Anything a reader should know: how it was estimated, why it can't hold.
    """

    text: str
    held: tuple[bool, ...]
    of: str = "refreshes"
    note: str = ""

    @property
    def share(self) -> float | None:
        """At what share it held; None if nothing was recorded that it could be held to."""
        return sum(self.held) / len(self.held) if self.held else None


@dataclass(frozen=True, slots=True)
class Tightness:
    """How close a bound came: quantiles of (what the theorem guarantees) / (what was measured).

    Parameters
    ----------
    what : str
        Which ratio; 1 is a bound that is attained.
    values : tuple of float
        One an instance.
    """

    what: str
    values: tuple[float, ...]

    def quantiles(self) -> tuple[float, float, float] | None:
        """Return smallest, median and largest."""
        if not self.values:
            return None
        low, middle, high = np.quantile(np.array(self.values), (0.0, 0.5, 1.0))
        return float(low), float(middle), float(high)


@dataclass(frozen=True, slots=True)
class Applied:
    """A theorem held to a run.

    Parameters
    ----------
    theorem : str
        A name that people know, e.g. ``"Proposition 6 (descent in a class)"``.
    items : tuple of str
        The papers' numbered items behind it, as :mod:`proofs_check.paper_index` writes them.
    hypotheses : tuple of Held
        Instance by instance, in one order throughout.
    conclusion : Held or None
        What it concludes, held to the run likewise, whether or not the hypotheses were met.
    tightness : Tightness or None
    """

    theorem: str
    items: tuple[str, ...]
    hypotheses: tuple[Held, ...]
    conclusion: Held | None = None
    tightness: Tightness | None = None

    @property
    def applied(self) -> float | None:
        """At what share of the instances all recorded hypotheses held at once."""
        recorded = [hypothesis.held for hypothesis in self.hypotheses if hypothesis.held]
        if not recorded:
            return None
        together = self._together()
        return sum(together) / len(together)

    @property
    def concluded(self) -> tuple[int, int] | None:
        """At how many of the instances with all hypotheses the conclusion held, and how many.

        None where the two are not about the same instances, or there is no such instance.
        """
        if self.conclusion is None or not any(h.held for h in self.hypotheses):
            return None
        together = self._together()
        if len(together) != len(self.conclusion.held) or not any(together):
            return None
        found = [said for said, met in zip(self.conclusion.held, together, strict=True) if met]
        return sum(found), len(found)

    def _together(self) -> Sequence[bool]:
        recorded = [hypothesis.held for hypothesis in self.hypotheses if hypothesis.held]
        return [all(row) for row in zip(*recorded, strict=True)]
