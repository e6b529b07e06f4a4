"""What the rows of ``convergence`` say to the questions that its figure is drawn for."""

from __future__ import annotations

import polars as pl

from paper_figures._convergence_rows import Selected
from paper_figures.engine.picture import Answer
from songoku_theory.bounds.convergence import is_vacuous

__all__ = ["answers"]


def answers(found: Selected) -> tuple[Answer, ...]:
    """Answer each question in one paragraph, from the rows alone."""
    return (
        Answer("How fast does the full gradient shrink under each rule?", _rates(found)),
        Answer("Is eq. 13's factor (1 + τ) right for the scheduler?", _factor(found)),
        Answer("Does a larger threshold τ slow convergence, as eq. 13 says?", _threshold(found)),
        Answer("Does drawing classes at random repair the rate?", _sampling(found)),
        Answer("Is the energy of the active tasks bounded as eq. 95 to 98 say?", _energy(found)),
        Answer("Is a step size of at most 1/L safe for classes in turn?", _bend(found)),
        Answer("Which bounds hold, and how tight are they?", _bounds(found)),
    )


def _slope(row: dict[str, object]) -> str:
    value, low, high, n = (row[name] for name in ("value", "low", "high", "n"))
    spread = f" [{low:.2f}, {high:.2f}]" if row["n"] != 1 else ""
    return f"{row['objective']} {value:.2f}{spread} (n = {n})"


def _listed(frame: pl.DataFrame, line: str) -> str:
    rows = frame.filter(pl.col("line") == line).sort("objective").iter_rows(named=True)
    return "; ".join(_slope(row) for row in rows) or "no rows"


def _rates(found: Selected) -> str:
    frame = found.slopes
    lines = [
        f"{line}: {_listed(frame, line)}"
        for line in ("all tasks at once", "cyclic", "shuffled cycles", "cycle, then all")
        if line in set(frame["line"])
    ]
    steps = sorted(set(found.rates["x"]))
    cyclic = frame.filter(pl.col("line") == "cyclic")
    meets = cyclic.filter(pl.col("low") <= -0.5, pl.col("high") >= -0.5).height
    return (
        f"Slopes of the log average of |∇F|² against log T, T = {steps[0]:,.0f} to "
        f"{steps[-1]:,.0f}, η = 1/(L√T), with Student's 95% intervals over instances. "
        f"{'. '.join(lines)}. The claimed slope is -0.5; {meets} of the {cyclic.height} intervals "
        f"for cyclic runs hold it. Slopes over a finite range of T are not limits: short runs are "
        f"still on their way down."
    )


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} cells ({100 * part / max(whole, 1):.0f}%)"


def _factor(found: Selected) -> str:
    cells = found.rows.filter(
        pl.col("rule") == "cyclic", pl.col("claimed").is_not_null(), pl.col("bend") == 0,
        pl.col("step_law") == "sqrt",
        pl.col("min_square_lo").is_not_null(), pl.col("mean_square_lo").is_not_null(),
    ).with_columns(
        (pl.col("min_square_lo") / pl.col("claimed")).alias("least"),
        (pl.col("mean_square_lo") / pl.col("claimed")).alias("average"),
    )  # fmt: skip
    broken = cells.filter(pl.col("least") > 1)
    over = cells.filter(pl.col("average") > 1).height
    if broken.is_empty():
        verdict = "In these rows the least |∇F|² never surely exceeds the claim"
    else:
        worst = broken.sort("least").row(-1, named=True)
        verdict = (
            f"No. The least |∇F|² surely exceeds the claim in {_share(broken.height, cells.height)}"
            f" of cyclic runs without opposed curvature, at worst {worst['least']:.2f} times "
            f"({worst['objective']}, m = {worst['num_classes']}, τ = {worst['tau']:g}, "
            f"T = {worst['steps']:,})"
        )
    few = cells.filter(pl.col("num_classes") <= 2, pl.col("least") > 1).height
    return (
        f"{verdict}; the average over the steps, which the paper's proof bounds, does in "
        f"{_share(over, cells.height)}. With one or two classes the least exceeds it in {few} "
        f"cells. {_follows(found)} Lower "
        f"ends of 95% intervals are used where runs are random."
    )


def _follows(found: Selected) -> str:
    theory = dict(
        found.factors.filter(pl.col("line").str.starts_with("m /")).select("x", "value").iter_rows()
    )
    average = found.factors.filter(pl.col("line") == "average")
    ratios = sorted(v / theory[x] for x, v in average.select("x", "value").iter_rows())
    return (
        f"Over m = {min(theory):g} to {max(theory):g} classes the average over eq. 13 is "
        f"{ratios[0]:.2f} to {ratios[-1]:.2f} times m / (2 (1 + τ)) ({len(ratios)} points): a step "
        f"of one class makes about 1/m of the progress of all, and the bound that holds has "
        f"2 m (F₀ - F*) / (η T) as its first term."
    )


def _threshold(found: Selected) -> str:
    frame = found.thresholds
    average = frame.filter(pl.col("line") == "average").sort("x")
    classes = dict(frame.filter(pl.col("line") == "classes").select("x", "value").iter_rows())
    first, last = average.row(0, named=True), average.row(-1, named=True)
    apart = first["low"] > last["high"]
    verdict = (
        "No, the other way round" if apart and first["value"] > last["value"]
        else "Yes" if last["low"] > first["high"]
        else "These rows do not decide it"
    )  # fmt: skip
    claim = frame.filter(pl.col("line") == "eq. 13").sort("x")["value"].to_list()
    return (
        f"{verdict}. From τ = {first['x']:g} to τ = {last['x']:g} the claim grows from "
        f"{claim[0]:.2f} to {claim[-1]:.2f} times eq. 13 at τ = 0, while the measured average "
        f"goes from {first['value']:.2f} [{first['low']:.2f}, {first['high']:.2f}] to "
        f"{last['value']:.2f} [{last['low']:.2f}, {last['high']:.2f}] (n = {first['n']} instances, "
        f"95%), as the classes go from {classes[first['x']]:.1f} to {classes[last['x']]:.1f} on "
        f"average: a larger τ has fewer edges, fewer classes and shorter cycles."
    )


def _worst_ratio(rows: pl.DataFrame, top: str, bottom: str) -> tuple[int, int, float]:
    """Count cells, cells above 1, and the largest ratio."""
    part = rows.filter(pl.col(top).is_not_null(), pl.col(bottom).is_not_null())
    ratio = (part[top] / part[bottom]).to_list()
    return len(ratio), sum(r > 1 for r in ratio), max(ratio, default=float("nan"))


def _sampling(found: Selected) -> str:
    rows = found.rows.filter(pl.col("bend") == 0, pl.col("step_law") == "sqrt")
    scaled = rows.filter(pl.col("rule") == "sampled_scaled")
    all_n, naive, most = _worst_ratio(scaled, "mean_square_lo", "unbiased_bound")
    _, own, tight = _worst_ratio(scaled, "bounded_square_lo", "rule_bound")
    plain = rows.filter(pl.col("rule") == "sampled", pl.col("skew") == 0)
    plain_n, short, times = _worst_ratio(plain, "mean_square_lo", "unbiased_bound")
    uneven = found.slopes.filter(pl.col("line") == "drawn, not scaled (uneven p)")
    flat = uneven.height > 0 and all(low > -0.5 for low in uneven["low"])
    moral = (
        "the claimed -0.5 is excluded: descent is on another objective, sum of p_r F_r"
        if flat
        else "which does not exclude the claimed -0.5 everywhere"
    )
    return (
        f"Scaled by 1/p (eq. 110), with the variance of the draw counted in σ²: "
        f"{'no' if own else 'yes' if all_n else 'no rows'}. Slopes "
        f"{_listed(found.slopes, 'drawn and scaled')}; the bound of Theorem 8 with that variance "
        f"is exceeded in {own} of {all_n:,} cells (largest ratio {tight:.2f}). With σ² the noise "
        f"of the gradients alone, as if drawing a class added none, the average exceeds it in "
        f"{naive} of {all_n:,} cells, up to {most:.2f} times. Not scaled, uniform p: the average "
        f"exceeds Theorem 8 in {short} of {plain_n:,} cells, up to {times:.2f} times"
        f"{': the factor m again' if short else ''}. Not scaled, uneven p: the slope is "
        f"{_listed(found.slopes, 'drawn, not scaled (uneven p)')}; {moral}. All by lower "
        f"ends of 95% intervals."
    )


def _energy(found: Selected) -> str:
    exact = found.rows.filter(
        pl.col("sigma") == 0, pl.col("bend") == 0, pl.col("step_law") == "sqrt"
    )
    turns = exact.filter(pl.col("rule").is_in(["cyclic", "shuffled"]))
    n, above, most = _worst_ratio(turns, "energy", "energy_claim")
    drawn = exact.filter(pl.col("rule") == "sampled_scaled")
    m, over, largest = _worst_ratio(drawn, "energy", "energy_claim")
    gamma = exact.with_columns((pl.col("mean_factor") * pl.col("step_energy")).alias("product"))
    # Both sides of eq. 95 are rounded sums; equality is common (classes of one task).
    part = gamma.filter(pl.col("product").is_not_null())
    passed = part.filter(pl.col("energy") > pl.col("product") * (1 + 1e-9))
    worst = max((part["energy"] / part["product"]).to_list(), default=float("nan"))
    return (
        f"With classes in turn, {'no' if above else 'never contradicted here'}: the average of "
        f"Σ|g_k|² exceeds eq. 98 (with the largest 1/(1 - τ_eff) seen as its factor) in "
        f"{_share(above, n)}, up to {most:.1f} times{_growth(found)}. With scaled draws "
        f"and the draw's variance in σ² it is exceeded in {over} of {m:,} (largest ratio "
        f"{largest:.2f}). Eq. 95 itself, with the average factor Γ_T, is exceeded in "
        f"{_share(passed.height, part.height)}, up to {worst:.3f} times: a mean of products is "
        f"not bounded by the product of means."
    )


def _growth(found: Selected) -> str:
    """Say whether every objective's ratio in panel (e) grows with T."""
    part = found.energies.filter(pl.col("line") == "cyclic").sort("objective", "x")
    ends = [
        (one["value"][0], one["value"][-1])
        for _, one in part.group_by("objective", maintain_order=True)
        if one.height > 1
    ]
    if not ends or any(last <= first for first, last in ends):
        return ""
    return (
        "; it grows with T on each objective, for the active tasks' gradients do not vanish "
        "where their sum over all classes does"
    )


def _bend(found: Selected) -> str:
    rows = found.rows.filter(pl.col("rule") == "cyclic", pl.col("bend") > 0)
    burst = rows.filter(pl.col("diverged")).height
    ready = rows.filter(pl.col("claimed").is_not_null(), pl.col("min_square").is_not_null())
    n, above, most = _worst_ratio(ready, "min_square_lo", "claimed")
    least = found.bends.filter(pl.col("line") == "least").sort("x")
    broken = least.filter(pl.col("low") > 1)
    where = f"from {broken['x'][0]:g} L on" if broken.height else "nowhere surely in these rows"
    return (
        f"{'No' if above or burst else 'Not refuted here'}. Give the classes curvatures that "
        f"cancel in F, and L, F and eq. 13 stay as they are: the least |∇F|² exceeds the claim in "
        f"{_share(above, n)}, up to {most:.1f} times, and {burst} cells left the floating-point "
        f"numbers; over {max(least['n'].to_list())} instances the 95% interval of the geometric "
        f"mean lies above 1 {where}. The bound for cycles knows the classes' own L_r, "
        f"through Λ = Σ (r-1) L_r."
    )


def _bounds(found: Selected) -> str:
    said = []
    for rule, name in (
        ("aggregated", "all tasks at once"), ("cyclic", "cycles"), ("shuffled", "shuffled cycles"),
        ("mixed", "mixed"), ("sampled", "draws not scaled, uniform"),
        ("sampled_scaled", "scaled draws"),
    ):  # fmt: skip
        part = found.rows.filter(pl.col("rule") == rule)
        n, above, most = _worst_ratio(part, "bounded_square_lo", "rule_bound")
        if n:
            known = part.filter(pl.col("rule_bound").is_not_null())
            silent = is_vacuous(known["rule_bound"], known["gap"], known["smoothness"]).sum()
            said.append(
                f"{name}: exceeded in {above} of {n:,} cells, largest ratio {most:.2f}, "
                f"vacuous in {silent}"
            )
    return (
        "Measured average over the bound for each rule (lower ends of 95% intervals; B, σ² and "
        f"the second moment as seen along the runs). {'; '.join(said)}. Short steps that solve "
        f"the problem give 0.5: then the sum of η |∇F|² is F₀ - F*; the bounds allow twice that. "
        f"Vacuous: at least 2 L (F₀ - F*), which |∇F(x₀)|² never exceeds."
    )
