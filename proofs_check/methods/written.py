"""Written proofs: numbered steps in words, the algebra of each step checked by machine.

The words are for a person to judge; what a machine can check of a step, it does. A written
proof is marked as what it is (:attr:`~proofs_check.model.Method.WRITTEN_PROOF`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proofs_check.methods.findings import inconclusive, supports
from proofs_check.model import Finding

__all__ = ["Step", "WrittenProof"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it says, and the machine's check of its algebra if it has any."""

    text: str
    check: Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True)
class WrittenProof:
    """Numbered steps that end in `conclusion`.

    Examples
    --------
    >>> proof = WrittenProof("1 + 1 = 2", (Step("count", lambda: 1 + 1 == 2), Step("done")))
    >>> print(proof.finding().detail)
    Written proof of: 1 + 1 = 2
    1. count [algebra checked]
    2. done
    """

    conclusion: str
    steps: tuple[Step, ...]

    def finding(self) -> Finding:
        """Check every step that has a check, and return the proof as a finding."""
        lines = [f"Written proof of: {self.conclusion}"]
        failing: list[int] = []
        for number, step in enumerate(self.steps, start=1):
            mark = ""
            if step.check is not None:
                closes = step.check()
                mark = " [algebra checked]" if closes else " [ALGEBRA DOES NOT CLOSE]"
                if not closes:
                    failing.append(number)
            lines.append(f"{number}. {step.text}{mark}")
        detail = "\n".join(lines)
        if failing or not self.steps:
            return inconclusive(self.conclusion, detail)
        return supports("all_sizes", self.conclusion, detail)
