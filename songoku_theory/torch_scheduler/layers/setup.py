"""What a task scheduler is made of: the parts of the model, the state, the buffers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from songoku_theory import scheduler as core
from songoku_theory.conflict import ConflictGraph
from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.scheduler import SchedulerConfig, SchedulerState
from songoku_theory.torch_scheduler.buffers import Buffers
from songoku_theory.torch_scheduler.combining import Combiner, Generator, combining_of
from songoku_theory.torch_scheduler.graph import Measured
from songoku_theory.torch_scheduler.intake import Intake
from songoku_theory.torch_scheduler.nonfinite import NonFiniteLog
from songoku_theory.torch_scheduler.options import TorchOptions
from songoku_theory.torch_scheduler.parameters import Selection, split_parameters
from songoku_theory.torch_scheduler.ranks import Ranks
from songoku_theory.torch_scheduler.staleness import GapTracker

__all__ = ["Setup", "Step", "Unread", "inverse_scale_of"]


@dataclass(slots=True)
class Step:
    """What is due in one step, and what has happened so far."""

    groups: tuple[tuple[int, ...], ...]
    needed: tuple[tuple[int, ...], ...]  # for each group, whose gradients it takes
    observes: bool  # the gradients enter the averages
    index: int = 0
    intakes: list[Intake] = field(default_factory=list)
    scaler: torch.amp.GradScaler | None = None
    inverse_scale: Tensor | None = None
    updated: list[tuple[nn.Parameter, int]] = field(default_factory=list)
    """Shared parameters whose ``.grad`` was set, and how often each had been changed by then."""

    def was_taken(self) -> bool:
        """Say whether an optimiser has used the gradients that were set."""
        return bool(self.updated) and all(p._version != count for p, count in self.updated)


@dataclass(frozen=True, slots=True)
class Unread:
    """Flags of one intake that the host has not entered into its state yet."""

    step: int
    tasks: tuple[int, ...]
    observed: bool
    updated: frozenset[int]
    flags: Tensor


class Setup:
    """Construction, and what every layer above uses."""

    def __init__(
        self,
        model: nn.Module,
        heads: Mapping[str, Selection],
        config: SchedulerConfig | None = None,
        *,
        shared: Selection | None = None,
        options: TorchOptions | None = None,
        combine: Combiner | None = None,
        generator: Generator | None = None,
        process_group: dist.ProcessGroup | None = None,
    ) -> None:
        _check_kinds(heads, config, options)
        self.config = SchedulerConfig(num_tasks=max(1, len(heads))) if config is None else config
        self.options = TorchOptions() if options is None else options
        self._parts = split_parameters(model, heads, shared)
        self.tasks = self._parts.tasks
        self.device = self._parts.shared.device
        self._dtype = self._parts.shared.parameters[0].dtype
        self._index = {name: k for k, name in enumerate(self.tasks)}
        self._combining = combining_of(combine, len(self.tasks), generator)
        self._no_sync = contextlib.ExitStack()
        if isinstance(model, DistributedDataParallel):
            process_group = model.process_group if process_group is None else process_group
            # Its hooks would average one backward pass a step; here there is one a task.
            self._no_sync.enter_context(model.no_sync())
        self._ranks = Ranks(process_group, self.device)
        self._check_settings()
        self._policy = core.policy_of(self.config)
        self._state = core.init(self.config)
        self._buffers = Buffers(
            self._parts.shared,
            len(self.tasks),
            self.options,
            self._policy.needs_graph or self._combining is not None,
            self.config.cosine == "debiased",
        )
        self._gaps = GapTracker(len(self.tasks))
        self._gaps.begin(self._policy, core.situation(self.config, self._state))
        self._log = NonFiniteLog()
        self._unread: list[Unread] = []
        self._culprits: list[tuple[int, int]] = []
        self._products: Measured | Tensor | None = None
        self._open: Step | None = None

    def _check_settings(self) -> None:
        options, several = self.options, self._ranks.several
        if self.config.num_tasks != len(self.tasks):
            raise InvalidInputError(
                f"config is for {self.config.num_tasks} tasks; heads names {len(self.tasks)}: "
                f"{', '.join(self.tasks)}. Use SchedulerConfig(num_tasks={len(self.tasks)})."
            )
        offload = options.memory == "offload"
        self._average_rows = several and (
            options.average_ranks == "step" or (options.average_ranks == "auto" and not offload)
        )
        combining = self._combining
        reads = combining is not None and not combining.plain
        waits = several or offload or reads
        self._at_once = options.nonfinite_report == "step" or (
            options.nonfinite_report == "auto" and (waits or self.device.type == "cpu")
        )
        if combining is not None and options.memory != "full":
            raise InvalidInputError(
                f"combine needs every active gradient at once, so memory='full'; found "
                f"memory={options.memory!r}."
            )
        if self._average_rows and offload:
            raise InvalidInputError(
                "memory='offload' averages over processes at a refresh only; set "
                "average_ranks='refresh' or 'auto'."
            )
        if several and not self._average_rows:
            for what, asked in (
                ("combine", combining is not None),
                ("cosine='debiased'", self.config.cosine == "debiased"),
            ):
                if asked:
                    raise InvalidInputError(
                        f"{what} needs each task's gradient averaged over the processes at each "
                        f"step; set average_ranks='step' and memory='full' or 'sketch'."
                    )
        if waits and options.nonfinite_report == "refresh":
            raise InvalidInputError(
                "nonfinite_report='refresh' is for one process with memory='full' or 'sketch' and "
                "no combiner that reads numbers on the host; elsewhere the host waits at each step "
                "anyway. Use 'auto'."
            )
        self._ranks.agree_on_setup([len(self.tasks), self._parts.shared.dim])

    @property
    def state(self) -> SchedulerState:
        """The pure scheduler's state; its averages are None, they are kept on the device."""
        return self._state

    @property
    def steps(self) -> int:
        """t, the number of finished steps."""
        return self._state.step

    @property
    def graph(self) -> ConflictGraph | None:
        """The conflict graph in force; None before the first refresh."""
        return self._state.graph

    @property
    def shared_names(self) -> tuple[str, ...]:
        """Names of the shared parameters, in the order of a gradient vector."""
        return self._parts.shared.names

    @property
    def shared_parameters(self) -> tuple[nn.Parameter, ...]:
        """The shared parameters, in the order of a gradient vector."""
        return self._parts.shared.parameters

    def _names(self, tasks: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.tasks[k] for k in tasks)

    def _number_of(self, name: str) -> int:
        if name not in self._index:
            raise unknown_name("task", str(name), self.tasks)
        return self._index[name]

    def _keeps_rows(self, observes: bool) -> bool:
        """Are gradients of single tasks needed?"""
        return observes or self._combining is not None

    def _check_between_steps(self, what: str) -> None:
        if self._open is not None and self._open.intakes:
            raise InvalidInputError(
                f"step {self.steps} is under way; {what} after scheduler.step()."
            )

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        """Neither record gradients nor let autocast shorten float32 products."""
        kind = self.device.type
        with torch.no_grad():
            if not torch.is_autocast_enabled(kind):
                yield
                return
            with torch.autocast(kind, enabled=False):
                yield


def _check_kinds(heads: object, config: object, options: object) -> None:
    """Refuse arguments in each other's places before anything reads them."""
    if not isinstance(heads, Mapping | nn.ModuleDict):
        raise InvalidInputError(
            f"heads should be a mapping from a task's name to its head, e.g. "
            f"{{'depth': model.depth_head}}; found {type(heads).__name__}."
        )
    odd = [name for name in heads if not isinstance(name, str)]
    if odd:
        raise InvalidInputError(
            f"a task's name should be a string; found {odd[0]!r} ({type(odd[0]).__name__}). Write "
            f"heads={{{str(odd[0])!r}: ...}}, and the same names in the losses."
        )
    for what, value, kind in (
        ("config", config, SchedulerConfig),
        ("options", options, TorchOptions),
    ):
        if value is not None and not isinstance(value, kind):
            raise InvalidInputError(
                f"{what} should be a {kind.__name__}; found {type(value).__name__}. The schedule's "
                f"settings go into config=SchedulerConfig(...), those of the tensors into "
                f"options=TorchOptions(...)."
            )


def inverse_scale_of(scaler: torch.amp.GradScaler, device: torch.device) -> Tensor:
    """What undoes a gradient scaler, without asking the device for the number."""
    one = torch.ones((), device=device)
    return one / scaler.scale(one)
