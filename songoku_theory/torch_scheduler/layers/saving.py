"""Stop and resume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from songoku_theory import scheduler as core
from songoku_theory.errors import InvalidInputError
from songoku_theory.torch_scheduler import checkpoint
from songoku_theory.torch_scheduler.layers.refreshing import Refreshing
from songoku_theory.torch_scheduler.nonfinite import NonFiniteLog

__all__ = ["Saving"]

STATE_VERSION = 2


class Saving(Refreshing):
    """Everything that the next steps depend on, out and in."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next steps depend on, for ``torch.save``.

        Call it between steps. The averages are the scheduler's own tensor, as in an optimiser's
        state; copy it to keep it in memory. With ``average_ranks="refresh"`` each process has
        averages of its own between refreshes and must save them.

        Returns
        -------
        dict

        Raises
        ------
        InvalidInputError
            Between ``backward`` and ``step``.
        """
        self._check_between_steps("save the state")
        self._read_flags()
        return {
            "version": STATE_VERSION,
            "tasks": list(self.tasks),
            "shared": self._layout(),
            "settings": checkpoint.pack_settings(self.config, self.options),
            "state": checkpoint.pack_state(self._state),
            "averages": self._buffers.averages,
            "squares": self._buffers.squares,
            "gaps": {
                name: torch.as_tensor(values.copy()) for name, values in self._gaps.arrays().items()
            },
            "nonfinite": {"counts": dict(self._log.counts), "last": dict(self._log.last_step)},
            "combiner": self._pack_combiner(),
        }

    def _pack_combiner(self) -> dict[str, Any]:
        combining = self._combining
        if combining is None:
            return {"rule": "the plain sum", "state": None, "generator": None}
        return {
            "rule": combining.describe(),
            "state": checkpoint.pack_tree(combining.state),
            "generator": combining.pack_generator(),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a saved state; on a CPU bit for bit.

        Parameters
        ----------
        saved : mapping
            From :meth:`state_dict` of a scheduler with the same tasks, shared parameters and
            settings.

        Raises
        ------
        InvalidInputError
            When they differ; names the differences. Nothing is changed then.
        """
        if saved.get("version") != STATE_VERSION:
            raise InvalidInputError(
                f"expected a scheduler's state of version {STATE_VERSION}; found "
                f"{saved.get('version')!r}."
            )
        checkpoint.require_complete(saved)
        names = {"tasks": ", ".join(saved["tasks"])}
        checkpoint.require_same("tasks", names, {"tasks": ", ".join(self.tasks)})
        checkpoint.require_same("shared parameters", saved["shared"], self._layout())
        settings = checkpoint.pack_settings(self.config, self.options)
        checkpoint.require_same("settings", saved["settings"], settings)
        kept = saved["combiner"]
        mine = "the plain sum" if self._combining is None else self._combining.describe()
        checkpoint.require_same("combiner", {"combine": kept["rule"]}, {"combine": mine})
        memory: Any = None
        if self._combining is not None:
            self._combining.check_generator(kept["generator"])
            memory = checkpoint.unpack_tree(kept["state"], self._combining.state)
        self._state = checkpoint.unpack_state(saved["state"], core.init(self.config))
        self._open, self._unread, self._culprits, self._products = None, [], [], None
        if self._combining is not None:
            self._combining.restore(memory, kept["generator"])
        for name in ("averages", "squares"):
            held, there = getattr(self._buffers, name), saved[name]
            if held is not None and there is not None:
                held.copy_(there)
        self._drop_rows()
        self._gaps.restore({name: t.numpy(force=True) for name, t in saved["gaps"].items()})
        self._log = NonFiniteLog(
            dict(saved["nonfinite"]["counts"]), dict(saved["nonfinite"]["last"])
        )

    def _layout(self) -> dict[str, str]:
        shared = self._parts.shared
        return {
            name: str(tuple(p.shape))
            for name, p in zip(shared.names, shared.parameters, strict=True)
        }
