"""A mixed-integer linear program, built row by row and solved by HiGHS through SciPy."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from songoku_theory.errors import SongokuError

__all__ = ["LinearModel", "Solved"]

_FOUND, _LIMIT, _INFEASIBLE, _UNBOUNDED, _OTHER = range(5)  # of scipy.optimize.milp


@dataclass(frozen=True, slots=True)
class Solved:
    """What HiGHS found.

    Attributes
    ----------
    status : {"optimal", "feasible", "infeasible", "timeout"}
    x : ndarray or None
        The variables; None without a feasible point.
    bound : float
        No feasible point is worth more.
    """

    status: Literal["optimal", "feasible", "infeasible", "timeout"]
    x: NDArray[np.float64] | None
    bound: float


@dataclass(slots=True)
class LinearModel:
    """Maximise a linear function of variables >= 0 under rows ``low <= a x <= high``."""

    worth: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    entries: list[float] = field(default_factory=list)

    def variable(self, worth: float = 0.0, upper: float = 1.0, *, whole: bool = False) -> int:
        """Add a variable in [0, upper]; return its index."""
        self.worth.append(worth)
        self.upper.append(upper)
        self.whole.append(whole)
        return len(self.worth) - 1

    def row(self, terms: list[tuple[int, float]], low: float, high: float) -> None:
        """Add ``low <= sum of coefficient * variable <= high``."""
        number = len(self.low)
        self.low.append(low)
        self.high.append(high)
        for column, entry in terms:
            self.rows.append(number)
            self.columns.append(column)
            self.entries.append(entry)

    def solve(self, time_limit: float, *, presolve: bool = True) -> Solved:
        """Solve to a relative gap of 1e-9.

        Parameters
        ----------
        time_limit : float
            Seconds.
        presolve : bool
            Whether HiGHS may simplify the program first.

        Raises
        ------
        SongokuError
            When HiGHS fails for another reason than the time limit or infeasibility.
        """
        shape = (len(self.low), len(self.worth))
        matrix = csr_array((self.entries, (self.rows, self.columns)), shape=shape)
        options: dict[str, float | bool] = {"mip_rel_gap": 1e-9, "presolve": presolve}
        if isfinite(time_limit):
            options["time_limit"] = max(time_limit, 1e-3)
        found = milp(
            -np.array(self.worth),
            integrality=np.array(self.whole, dtype=int),
            bounds=Bounds(0.0, np.array(self.upper)),
            constraints=LinearConstraint(matrix, np.array(self.low), np.array(self.high)),
            options=options,
        )
        if found.status == _INFEASIBLE:
            return Solved("infeasible", None, -inf)
        if found.status not in (_FOUND, _LIMIT):
            raise SongokuError(f"HiGHS stopped without an answer: {found.message}")
        dual = found.mip_dual_bound
        bound = -float(dual) if dual is not None and isfinite(dual) else inf
        if found.x is None:
            return Solved("timeout", None, bound)
        x = np.asarray(found.x, dtype=np.float64)
        return Solved("optimal" if found.status == _FOUND else "feasible", x, bound)
