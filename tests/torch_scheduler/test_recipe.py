"""The recipe in the package's documentation and the README: five lines in a loop that you have."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

import songoku_theory.torch_scheduler as package

Make = Callable[..., Any]
MARK = re.compile(r"# (\d)$")


def recipe() -> list[str]:
    """The indented block of the package's docstring."""
    text = package.__doc__ or ""
    block = text.split("::\n\n", 1)[1].split("\n\nEvery decision", 1)[0]
    return [line.removeprefix("    ").rstrip() for line in block.splitlines()]


def test_the_recipe_is_five_lines() -> None:
    marked = [MARK.search(line) for line in recipe()]
    assert [m.group(1) for m in marked if m] == ["1", "2", "3", "4", "5"]
    # The others are those of any training loop, or empty.
    rest = [line for line, m in zip(recipe(), marked, strict=True) if not m and line]
    assert rest == ["for x, targets in loader:", "    optimizer.step()"]


def test_the_recipe_trains() -> None:
    """Run as it is printed, on two regressions that pull the trunk apart."""

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = nn.Linear(4, 2)
            self.head_a = nn.Linear(2, 1)
            self.head_b = nn.Linear(2, 1)

        def forward(self, x: Tensor, task: str) -> Tensor:
            head = {"a": self.head_a, "b": self.head_b}[task]
            return head(torch.tanh(self.trunk(x))).squeeze(-1)

    generator = torch.Generator().manual_seed(3)
    model = Model()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * 0.3)
    x = torch.randn(256, 4, generator=generator)
    targets = {"a": torch.tanh(x[:, 0]), "b": torch.tanh(x[:, 1] - x[:, 0])}
    loader = [
        (x[i : i + 32], {t: y[i : i + 32] for t, y in targets.items()}) for i in range(0, 256, 32)
    ] * 60
    names: dict[str, Any] = {
        "model": model,
        "loader": loader,
        "loss_of": dict.fromkeys("ab", nn.functional.mse_loss),
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
    }

    def errors() -> dict[str, float]:
        with torch.no_grad():
            return {t: float(nn.functional.mse_loss(model(x, t), y)) for t, y in targets.items()}

    before = errors()
    exec(compile("\n".join(recipe()), "recipe", "exec"), names)
    after = errors()
    assert all(after[t] < 0.3 * before[t] for t in "ab"), (before, after)
    scheduler = names["scheduler"]
    assert scheduler.steps == 480
    assert scheduler.state.round == 15
    assert scheduler.staleness().holds
    assert SimpleNamespace(**names).optimizer is names["optimizer"]


def test_the_readme_prints_the_same_recipe_if_it_prints_one() -> None:
    from pathlib import Path

    readme = Path(__file__).resolve().parents[2] / "README.md"
    if not readme.exists():
        return
    text = readme.read_text()
    if "torch_scheduler" not in text:
        return
    for line in recipe():
        core = MARK.sub("", line).strip()
        assert core in text, f"the README's recipe differs at: {core}"
