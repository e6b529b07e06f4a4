"""AdaTask: an optimiser that keeps its accumulators task by task. Needs torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

import numpy as np

from songoku_theory.combine.problem import active_indices
from songoku_theory.combine.result import Active
from songoku_theory.errors import DependencyMissingError, InvalidInputError, unknown_name
from songoku_theory.validation import check_num_tasks

try:
    import torch
    from torch import Tensor
except ImportError as error:  # pragma: no cover - exercised in a subprocess
    raise DependencyMissingError(
        "AdaTask is a torch optimiser and torch is not installed; pip install 'songoku[train]'."
    ) from error

__all__ = ["Accumulator", "AdaTask"]

Accumulator = Literal["adam", "rmsprop", "adagrad"]


class AdaTask(torch.optim.Optimizer):
    r"""Give every task its own adaptive step in the shared parameters (AdaTask).

    For a shared parameter and each active task k with gradient g_k, with Adam's accumulators
    kept a task each,

        ``m_k <- b1 m_k + (1 - b1) g_k``,  ``v_k <- b2 v_k + (1 - b2) g_k^2``,
        ``theta <- theta - lr sum_{k in S} mhat_k / (sqrt(vhat_k) + eps)``,

    so that no task's large gradients shrink another's step. Memory is 2 K times the shared
    parameters. Accumulators and step counts of inactive tasks do not move, and they add nothing to
    the step. Heads belong to one task each, so an ordinary optimiser with ``set_to_none`` gradients
    serves them.

    Parameters
    ----------
    params : iterable of tensors or of parameter groups
        The shared parameters.
    num_tasks : int
        K.
    lr : float, default 1e-3
    betas : (float, float), default (0.9, 0.999)
        ``"rmsprop"`` uses the second alone, ``"adagrad"`` neither.
    eps : float, default 1e-8
    weight_decay : float, default 0
        Decoupled (AdamW's): taken once a step, not once a task.
    rule : {"adam", "rmsprop", "adagrad"}

    Raises
    ------
    InvalidInputError
        When an option is out of range.

    Source
    ------
    Yang et al. (2023), "AdaTask: A Task-Aware Adaptive Learning Rate Approach to Multi-Task
    Learning", Algorithm 2 (Adam), and its AdaGrad and RMSProp forms. SON-GOKU + AdaTask is section
    6.3, combination 1; SON-GOKU's appendix K.2 describes AdaTask as reweighting by relative loss
    changes, which is not what the cited paper does.

    Differs from
    ------------
    The official code steps every task each time and counts steps once for all; here each task's
    bias correction counts its own. It takes task gradients by backpropagating inside the optimiser;
    here they are passed in, so the scheduler can compute the active ones only.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        num_tasks: int,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        rule: Accumulator = "adam",
    ) -> None:
        check_num_tasks(num_tasks)
        if rule not in get_args(Accumulator):
            raise unknown_name("rule", str(rule), get_args(Accumulator))
        for name, value in (("lr", lr), ("eps", eps), ("weight_decay", weight_decay)):
            if not (math.isfinite(value) and value >= 0):
                raise InvalidInputError(f"{name} should be a finite number >= 0; found {value!r}.")
        if not all(0 <= beta < 1 for beta in betas):
            raise InvalidInputError(f"betas should lie in [0, 1); found {betas!r}.")
        self.num_tasks = num_tasks
        self.rule = rule
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.num_tasks = state.get("num_tasks", getattr(self, "num_tasks", 1))
        self.rule = state.get("rule", getattr(self, "rule", "adam"))

    @torch.no_grad()
    def step(  # type: ignore[override]  # needs gradients a task each, and no closure
        self,
        gradients: Tensor | Mapping[int, Tensor],
        active: Active = None,
    ) -> None:
        """Take one step with the active tasks' gradients.

        Parameters
        ----------
        gradients : tensor, shape (K, d), or mapping from task to tensor (d,)
            Gradients of all shared parameters, flattened and in the order in which the parameters
            were given. Only the active tasks' are read. With an empty mapping nothing moves: no
            task ran. ``TaskScheduler.task_gradients`` gives such a mapping.
        active : sequence of int, optional
            By default all rows, or the keys of the mapping.

        Raises
        ------
        InvalidInputError
            When a gradient is missing, of another length or not finite; nothing has moved then.
        """
        if isinstance(gradients, Mapping) and not gradients and active is None:
            return
        tasks, rows = self._rows(gradients, active)
        offset = 0
        for group in self.param_groups:
            for parameter in group["params"]:
                count = parameter.numel()
                own = rows[:, offset : offset + count].reshape(-1, *parameter.shape)
                self._move(parameter, own.to(parameter.dtype), tasks, group)
                offset += count

    def _rows(
        self, gradients: Tensor | Mapping[int, Tensor], active: Active
    ) -> tuple[list[int], Tensor]:
        mapping = isinstance(gradients, Mapping)
        chosen = tuple(gradients) if mapping and active is None else active
        tasks = [int(k) for k in active_indices(chosen, self.num_tasks)]
        expected = sum(p.numel() for group in self.param_groups for p in group["params"])
        if isinstance(gradients, Mapping):
            missing = [k for k in tasks if k not in gradients]
            if missing:
                raise InvalidInputError(
                    f"active names tasks {missing}, but gradients has only {sorted(gradients)}."
                )
            rows = torch.stack([gradients[k].reshape(-1) for k in tasks])
        else:
            if gradients.ndim != 2 or gradients.shape[0] != self.num_tasks:
                raise InvalidInputError(
                    f"gradients should have shape ({self.num_tasks}, d); found "
                    f"{tuple(gradients.shape)}."
                )
            rows = gradients[tasks]
        if rows.shape[1] != expected:
            raise InvalidInputError(
                f"each gradient should have {expected} entries, as many as the shared parameters; "
                f"found {rows.shape[1]}."
            )
        fine = torch.isfinite(rows).all(dim=1)
        if not bool(fine.all()):
            task = tasks[int(np.argmin(fine.cpu().numpy()))]
            raise InvalidInputError(
                f"the gradient of task {task} is not finite. Skip this step or leave the task out "
                f"of `active`; nothing has moved."
            )
        return tasks, rows

    def _move(
        self, parameter: Tensor, own: Tensor, tasks: list[int], group: dict[str, Any]
    ) -> None:
        """Update the accumulators of `tasks` and the parameter; `own` is (m, *shape)."""
        state = self.state[parameter]
        if not state:
            shape = (self.num_tasks, *parameter.shape)
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = torch.zeros(shape, dtype=parameter.dtype, device=parameter.device)
            state["steps"] = [0] * self.num_tasks  # a list: loading would cast a tensor
        beta1, beta2 = group["betas"]
        if group["weight_decay"]:
            parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
        for row, task in enumerate(tasks):
            gradient = own[row]
            average, square = state["exp_avg"][task], state["exp_avg_sq"][task]
            state["steps"][task] += 1
            steps = state["steps"][task]
            if self.rule == "adagrad":
                square.addcmul_(gradient, gradient)
                parameter.addcdiv_(gradient, square.sqrt().add_(group["eps"]), value=-group["lr"])
                continue
            square.mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
            if self.rule == "rmsprop":
                parameter.addcdiv_(gradient, square.sqrt().add_(group["eps"]), value=-group["lr"])
                continue
            average.mul_(beta1).add_(gradient, alpha=1.0 - beta1)
            size = square.sqrt().div_(math.sqrt(1.0 - beta2**steps)).add_(group["eps"])
            parameter.addcdiv_(average, size, value=-group["lr"] / (1.0 - beta1**steps))
