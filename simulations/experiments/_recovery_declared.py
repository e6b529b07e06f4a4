"""What the recovery experiment takes, gives and claims: its declaration, apart from its code."""

from __future__ import annotations

from simulations.generators.noise import NOISE_LAWS
from simulations.sweep.device import DEVICE, device_param
from simulations.sweep.experiment import Param

__all__ = ["COLUMNS", "PARAMS", "STATISTICS"]

PARAMS = {
    "model": Param(
        type=str,
        default="multipartite",
        choices=("multipartite", "component"),
        doc="model of Definition B.2; component: two conflicting camps in each group",
    ),
    "num_groups": Param(type=int, default=3, low=1, doc="m, groups"),
    "group_size": Param(type=int, default=4, low=1, doc="tasks in each group"),
    "dim": Param(type=int, default=256, low=1, doc="d, shared parameters"),
    "tau": Param(type=float, default=0.2, low=0, high=1, high_open=True, doc="threshold"),
    "gamma": Param(
        type=float,
        default=0.15,
        low=0,
        low_open=True,
        high=1,
        high_open=True,
        doc="margin; conflicting cosines are -(tau + gamma)",
    ),
    "sigma": Param(
        type=float,
        default=0.25,
        low=0,
        low_open=True,
        doc="standard deviation of a coordinate of one gradient's noise; mean norm m_0 is 1",
    ),
    "noise": Param(
        type=str,
        default="gaussian",
        choices=tuple(NOISE_LAWS),
        doc=(
            "noise law; bounded: Rademacher; coloured: variances k^-0.5; ar1: correlation "
            "0.5 from step to step; student_t: 3 degrees of freedom"
        ),
    ),
    "window": Param(type=int, default=32, low=1, doc="R, gradients averaged, in steps"),
    "beta": Param(
        type=float, default=0.9, low=0, high=1, high_open=True, doc="EMA parameter, windowed"
    ),
    "method": Param(
        type=str,
        default="law",
        choices=("direct", "law"),
        doc="direct: simulate every gradient; law: draw from the EMA's closed law (Gaussian)",
    ),
    "cosine": Param(
        type=str,
        default="plain",
        choices=("plain", "debiased"),
        doc="debiased: the noise estimated from the window is subtracted from squared norms",
    ),
    "trials": Param(
        type=int, default=1000, low=1, doc="independent repetitions in a cell, at most"
    ),
    "stop_width": Param(
        type=float,
        default=0.0,
        low=0,
        high=1,
        high_open=True,
        doc=(
            "stop once both intervals are this narrow (they hold at any time, so stopping does "
            "not spoil them); 0 runs all trials"
        ),
    ),
    "replicate": Param(
        type=int, default=0, low=0, doc="a name for an independent repeat of the whole cell"
    ),
    DEVICE: device_param(),
}

COLUMNS: dict[str, type] = {
    "n_eff": float,
    "num_tasks": int,
    "noise_scale": float,
    "trials_run": int,
    "interval": str,
    "narrow": bool,
    "graph_exact": int,
    "graph_lo": float,
    "graph_hi": float,
    "partition_exact": int,
    "partition_lo": float,
    "partition_hi": float,
    "false_edges": float,
    "missed_edges": float,
    "max_cosine_error_mean": float,
    "margin": float,
    "paper_failure": float,
    "sharper_failure": float,
}

STATISTICS = (
    "n = trials_run independent repetitions a cell. graph_exact and partition_exact are "
    "counts; [graph_lo, graph_hi] and [partition_lo, partition_hi] have coverage >= 95% (alpha "
    "= 0.05) each for its own cell. With stop_width = 0, trials_run = trials and they are exact "
    "binomial (Clopper-Pearson) intervals. With stop_width > 0 they are confidence sequences "
    "(beta-binomial mixture), which hold at all times at once: the cell looks at blocks of "
    "trials and stops once both are as narrow, or after `trials`; a share of a stopped cell is "
    "slightly biased, its interval is not spoilt. Intervals "
    "are not adjusted for the number of cells. false_edges, missed_edges and "
    "max_cosine_error_mean are means over the trials. n_eff is eq. 19 and noise_scale is "
    "sigma / sqrt(n_eff), also for noise that remembers (ar1), whose EMA is noisier. "
    "paper_failure is eq. 35 solved for delta with its unnamed constant at 1, sharper_failure "
    "the dimension-aware bound (Gaussian noise, plain cosine); 1 says nothing. Rows of another "
    "device have other draws of the same law."
)
