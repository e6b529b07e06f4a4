"""Combiners inside the training loop: what they are shown, what moves, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from songoku_theory import scheduler as core
from songoku_theory.combine import (
    DWA,
    FAMO,
    MGDA,
    AdaTask,
    CAGrad,
    CombineError,
    FairGrad,
    GradNorm,
    GradNormWarmStart,
    NashMTL,
    PCGrad,
    Status,
    TorchJDCombiner,
    UncertaintyWeighting,
    combine_gradients,
    get_combiner,
)
from songoku_theory.errors import InvalidInputError, UnknownNameError
from songoku_theory.scheduler import SchedulerConfig
from songoku_theory.torch_scheduler import NonFiniteGradientError, TaskScheduler, TorchOptions

Make = Callable[..., Any]
CONFIG = SchedulerConfig(num_tasks=4, tau=0.1, beta=0.5, refresh_period=3, phase="carried")


def gradients_of(model: Any, losses: dict[str, Any]) -> dict[str, torch.Tensor]:  # noqa: ANN401
    """Each task's gradient of the trunk, by autograd."""
    return {
        t: torch.cat(
            [
                g.reshape(-1)
                for g in torch.autograd.grad(loss, model.trunk.parameters(), retain_graph=True)
            ]
        )
        for t, loss in losses.items()
    }


def trunk_gradient(model: Any) -> torch.Tensor:  # noqa: ANN401
    return torch.cat([p.grad.reshape(-1) for p in model.trunk.parameters()])


@pytest.mark.parametrize(
    "combine",
    ["sum", "mean", "pcgrad", "mgda", "cagrad", "nash_mtl", "fairgrad", CAGrad(0.9),
     NashMTL(update_every=2, max_norm=1.0), FairGrad(1.0)],
    ids=str,
)  # fmt: skip
def test_the_shared_update_is_the_combiner_s_and_heads_keep_their_own(
    tiny: Make, batches: Make, task_loss: Make, combine: Any  # noqa: ANN401
) -> None:  # fmt: skip
    """Beside ``combine_gradients`` on gradients by autograd, with a state and draws of its own."""
    model, rule = tiny(4), get_combiner(combine) if isinstance(combine, str) else combine
    scheduler = TaskScheduler(model, model.head_map(), CONFIG, combine=combine)
    state, rng = rule.init(4), np.random.default_rng(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    smaller = 0
    for batch in batches(4, 12):
        active = scheduler.active()
        smaller += len(active) < 4
        outputs = model(batch.x)
        losses = {t: task_loss(outputs, batch, t) for t in active}
        single = gradients_of(model, losses)
        heads = {
            t: torch.autograd.grad(losses[t], model.heads[t].weight, retain_graph=True)[0]
            for t in active
        }
        given = {scheduler.tasks.index(t): g for t, g in single.items()}
        expected = combine_gradients(rule, given, state, num_tasks=4, rng=rng)
        state = expected.state
        scheduler.backward(losses)
        torch.testing.assert_close(trunk_gradient(model), expected.update, rtol=1e-4, atol=1e-6)
        for t in active:
            assert torch.equal(model.heads[t].weight.grad, heads[t])
        if combine != "sum":
            assert scheduler.combined is not None
            assert scheduler.combined.status is expected.combined.status
        optimizer.step()
        scheduler.step()
    assert smaller > 3


@pytest.mark.parametrize("rule", [GradNorm(), UncertaintyWeighting(), DWA(), FAMO()], ids=str)
def test_weights_of_losses_count_for_shared_gradients_and_heads(
    tiny: Make, batches: Make, task_loss: Make, rule: Any  # noqa: ANN401
) -> None:  # fmt: skip
    """Beside the rule driven by hand and the gradient of the weighted sum of losses."""
    model = tiny(4)
    scheduler = TaskScheduler(model, model.head_map(), CONFIG, combine=rule)
    state = rule.init(4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step, batch in enumerate(batches(4, 12)):
        active = scheduler.active()
        index = [scheduler.tasks.index(t) for t in active]
        outputs = model(batch.x)
        losses = {t: task_loss(outputs, batch, t) for t in active}
        values, norms = np.full(4, np.nan), np.full(4, np.nan)
        values[index] = [loss.item() for loss in losses.values()]
        norms[index] = [float(g.norm()) for g in gradients_of(model, losses).values()]
        answer = rule.combine(values, state, index, gradient_norms=norms)
        state, was = answer.state, rows_of(scheduler._combining.state)  # type: ignore[union-attr]
        total = sum(float(answer.weights[int(t[1])]) * loss for t, loss in losses.items())
        parts = [
            *model.trunk.parameters(),
            *(p for t in active for p in model.heads[t].parameters()),
        ]
        expected = torch.autograd.grad(total, parts, retain_graph=True)
        scheduler.backward(losses)
        for p, g in zip(parts, expected, strict=True):
            torch.testing.assert_close(p.grad, g, rtol=1e-4, atol=1e-6)
        optimizer.step()
        if rule.needs_losses_after:
            after = {t: task_loss(model(batch.x), batch, t) for t in active}
            values[index] = [loss.item() for loss in after.values()]
            state = rule.observe(values, state, index)
            scheduler.observe_losses(after)
        scheduler.step()
        held = rows_of(scheduler._combining.state)  # type: ignore[union-attr]
        others = [k for k in range(4) if k not in index]
        for mine, theirs, earlier in zip(held, rows_of(state), was, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-8)
            assert np.array_equal(mine[others], earlier[others], equal_nan=True)
        if isinstance(rule, DWA) and step % 4 == 3:
            state = rule.end_epoch(state)
            scheduler.end_epoch()


def rows_of(state: Any) -> list[np.ndarray[Any, Any]]:  # noqa: ANN401
    found = []
    for name in state.__dataclass_fields__:
        value = getattr(state, name)
        found += [value] if isinstance(value, np.ndarray) else rows_of(value)
    return found


def test_a_warm_start_runs_everyone_and_then_leaves_it_to_the_schedule(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    """Step by step beside the pure core, which is told who ran."""
    model, warm = tiny(4), GradNormWarmStart(steps=7)
    scheduler = TaskScheduler(model, model.head_map(), CONFIG, combine=warm)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    state, sizes = core.init(CONFIG), []
    for step, batch in enumerate(batches(4, 16)):
        scheduled = core.active(CONFIG, state)
        ran = (0, 1, 2, 3) if step < 7 else scheduled
        assert scheduler.active() == tuple(f"t{k}" for k in ran)
        sizes.append(len(scheduled))
        outputs = model(batch.x)
        losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
        single = gradients_of(model, losses)
        scheduler.backward(losses)
        assert scheduler.combined is not None
        weights = np.asarray(scheduler.combined.weights)
        if step >= 7:
            assert weights.tolist() == [float(k in ran) for k in range(4)]
        elif step > 0:
            assert np.abs(weights - 1.0).max() > 1e-3
        optimizer.step()
        scheduler.step()
        given = {k: single[f"t{k}"].double().numpy() for k in ran}
        state = core.observe(CONFIG, state, given, ran=ran)
        if core.needs_refresh(CONFIG, state):
            state = core.refresh(CONFIG, state)
        assert scheduler.state.schedule == state.schedule
        assert scheduler.state.last_turn.tolist() == state.last_turn.tolist()
    assert min(sizes[3:7]) < 4, "the schedule never differed from the warm start"
    assert scheduler.staleness().holds


def test_adatask_steps_each_active_task_by_its_own_moments(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    model, other = tiny(4), tiny(4)
    scheduler = TaskScheduler(model, model.head_map(), CONFIG, combine="sum")
    optimizer = AdaTask(scheduler.shared_parameters, num_tasks=4, lr=0.02)
    heads = torch.optim.SGD(model.heads.parameters(), lr=0.05)
    plain = AdaTask(other.trunk.parameters(), num_tasks=4, lr=0.02)
    other_heads = torch.optim.SGD(other.heads.parameters(), lr=0.05)
    for step, batch in enumerate(batches(4, 10)):
        active = scheduler.active()
        losses: dict[str, Any] = {t: task_loss(model(batch.x), batch, t) for t in active}
        if step == 4:  # the first one has no sample, and with step 5 nobody has
            losses[active[0]] = None
        if step == 5:
            losses = dict.fromkeys(active)
        scheduler.backward(losses)
        optimizer.step(scheduler.task_gradients())
        heads.step()
        scheduler.step()
        theirs = {t: task_loss(other(batch.x), batch, t) for t in active if losses[t] is not None}
        other_heads.zero_grad()
        single = gradients_of(other, theirs)
        if theirs:
            sum(theirs.values()).backward()
            plain.step({int(t[1]): g for t, g in single.items()})
        other_heads.step()
        for p, q in zip(model.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-6)


def test_task_gradients_lie_as_the_parameters_are_read(batches: Make) -> None:
    """A convolution in channels_last: the buffer has its memory order, the optimiser its shape."""
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    scheduler = TaskScheduler(conv, {"a": (), "b": ()}, combine="sum")
    x = torch.randn(2, 3, 8, 8)
    losses = {"a": conv(x).square().mean(), "b": conv(x).sin().mean()}
    expected = {
        k: torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, [conv.weight, conv.bias],
                                                                 retain_graph=True)])
        for k, loss in enumerate(losses.values())
    }  # fmt: skip
    scheduler.backward(losses)
    for k, found in scheduler.task_gradients().items():
        torch.testing.assert_close(found, expected[k])


def test_losses_of_micro_batches_add_up_and_a_second_call_combines_once(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    """Gradients, losses, states and draws are as if all had come in one call."""
    (batch,) = batches(4, 1)
    for combine in ("pcgrad", "gradnorm", "uncertainty"):
        ends = []
        for parts in (1, 2):
            model = tiny(4)
            scheduler = TaskScheduler(model, model.head_map(), CONFIG, combine=combine)
            for _ in range(parts):  # without more=True: each call sets the gradients
                outputs = model(batch.x)
                scheduler.backward(
                    {t: task_loss(outputs, batch, t) / parts for t in scheduler.active()}
                )
            scheduler.step()
            assert scheduler._combining is not None
            numbers = [*rows_of(scheduler._combining.state), trunk_gradient(model).numpy()]
            ends.append((numbers, scheduler._combining.pack_generator()))
        for one, two in zip(ends[0][0], ends[1][0], strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)
        assert ends[0][1] == ends[1][1]


# -- stopped and resumed --------------------------------------------------------------------------

CASES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "pcgrad": lambda: ("pcgrad", None),
    "pcgrad, MT19937": lambda: (PCGrad(), np.random.Generator(np.random.MT19937(5))),
    "pcgrad, torch": lambda: (PCGrad("mean"), torch.Generator().manual_seed(5)),
    "nash": lambda: (NashMTL(update_every=3), None),
    "mgda": lambda: ("mgda", None),
    "torchjd": lambda: (_torchjd(), np.random.default_rng(3)),
    "gradnorm warm start": lambda: (GradNormWarmStart(9, afterwards="last"), None),
    "uncertainty": lambda: ("uncertainty", None),
    "famo": lambda: ("famo", None),
    "dwa": lambda: ("dwa", None),
    "adatask": lambda: ("sum", None),
}


def _torchjd() -> TorchJDCombiner:
    aggregation = pytest.importorskip("torchjd.aggregation")
    return TorchJDCombiner(aggregation.PCGrad())


@pytest.mark.parametrize("case", CASES)
def test_a_run_killed_at_a_random_step_resumes_to_the_same_weights(
    tiny: Make, batches: Make, task_loss: Make, case: str, tmp_path: Any  # noqa: ANN401
) -> None:  # fmt: skip
    steps, data = 20, batches(4, 20)

    def fresh(seed: int) -> tuple[Any, TaskScheduler, list[torch.optim.Optimizer]]:
        model, (combine, generator) = tiny(4, seed=seed), CASES[case]()
        scheduler = TaskScheduler(
            model, model.head_map(), CONFIG, combine=combine, generator=generator
        )
        if case == "adatask":
            own = AdaTask(scheduler.shared_parameters, num_tasks=4, lr=0.02)
            return model, scheduler, [own, torch.optim.Adam(model.heads.parameters(), lr=0.02)]
        return model, scheduler, [torch.optim.Adam(model.parameters(), lr=0.02)]

    def train(run: tuple[Any, TaskScheduler, list[Any]], start: int, stop: int) -> None:
        model, scheduler, optimizers = run
        for t in range(start, stop):
            outputs = model(data[t].x)
            scheduler.backward({n: task_loss(outputs, data[t], n) for n in scheduler.active()})
            for optimizer in optimizers:
                given = (scheduler.task_gradients(),) if isinstance(optimizer, AdaTask) else ()
                optimizer.step(*given)
            if case == "famo":
                outputs = model(data[t].x)
                scheduler.observe_losses(
                    {n: task_loss(outputs, data[t], n) for n in scheduler.active()}
                )
            scheduler.step()
            if case == "dwa" and t % 4 == 3:
                scheduler.end_epoch()

    whole = fresh(0)
    train(whole, 0, steps)
    rng = np.random.default_rng(sorted(CASES).index(case))
    for stop in rng.integers(1, steps, size=3).tolist():
        first, second = fresh(0), fresh(1)
        train(first, 0, stop)
        file = tmp_path / "state.pt"
        torch.save([first[0].state_dict(), first[1].state_dict(),
                    [o.state_dict() for o in first[2]]], file)  # fmt: skip
        saved = torch.load(file, weights_only=True)
        second[0].load_state_dict(saved[0])
        second[1].load_state_dict(saved[1])
        for optimizer, kept in zip(second[2], saved[2], strict=True):
            optimizer.load_state_dict(kept)
        train(second, stop, steps)
        for p, q in zip(whole[0].parameters(), second[0].parameters(), strict=True):
            assert torch.equal(p, q)
        ends = [run[1].state_dict()["combiner"] for run in (whole, second)]
        assert str(ends[0]) == str(ends[1])


def test_the_state_of_another_combiner_is_refused_and_nothing_changes(tiny: Make) -> None:
    def make(combine: Any, generator: Any = None) -> TaskScheduler:  # noqa: ANN401
        model = tiny(4)
        return TaskScheduler(model, model.head_map(), CONFIG, combine=combine, generator=generator)

    famo, pcgrad = make("famo").state_dict(), make("pcgrad").state_dict()
    for other, saved, message in (
        (make("mgda"), famo, r"combine: saved FAMO\(.*here MGDA"),
        (make(None), famo, r"saved FAMO\(.*here the plain sum"),
        (make(FAMO(learning_rate=0.5)), famo, r"saved FAMO\(learning_rate=0.025.*here FAMO\(learn"),
        (make("pcgrad", torch.Generator()), pcgrad, "saved numpy PCG64, here torch.Generator on"),
        (make("famo"), make(lambda gram, active: gram).state_dict(), "saved the function"),
    ):
        before = str(other.state_dict())
        with pytest.raises(InvalidInputError, match=message):
            other.load_state_dict(saved)
        assert str(other.state_dict()) == before
    spoilt = {**famo, "combiner": {**famo["combiner"], "state": {"logits": torch.zeros(3)}}}
    with pytest.raises(InvalidInputError, match="does not fit"):
        make("famo").load_state_dict(spoilt)


# -- gradients that are not finite ----------------------------------------------------------------


@pytest.mark.parametrize("combine", ["pcgrad", "gradnorm", "nash_mtl"])
def test_a_step_that_raises_leaves_no_trace_and_can_be_repeated(
    tiny: Make, batches: Make, task_loss: Make, combine: str
) -> None:
    ends = []
    for spoil in (False, True):
        model = tiny(4)
        scheduler = TaskScheduler(model, model.head_map(), CONFIG, combine=combine)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for batch in batches(4, 6):
            outputs = model(batch.x)
            losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
            if spoil:
                first = scheduler.active()[0]
                scheduler.backward(losses)  # combines already
                with pytest.raises(NonFiniteGradientError, match=f"'{first}' at step"):
                    scheduler.backward({first: (model.trunk[0].weight * torch.nan).sum()})
                outputs = model(batch.x)
                losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
            scheduler.backward(losses)
            optimizer.step()
            scheduler.step()
        ends.append((trunk_gradient(model), str(scheduler.state_dict()["combiner"])))
    assert torch.equal(ends[0][0], ends[1][0])
    assert ends[0][1] == ends[1][1]


@pytest.mark.parametrize("combine", ["fairgrad", "gradnorm", "uncertainty"])
@pytest.mark.parametrize("nonfinite", ["skip", "count"])
def test_a_nan_is_left_out_of_the_combination_or_prevents_it(
    tiny: Make, batches: Make, task_loss: Make, combine: str, nonfinite: Any  # noqa: ANN401
) -> None:  # fmt: skip
    (batch,), model = batches(4, 1), tiny(4)
    options = TorchOptions(nonfinite=nonfinite)
    scheduler = TaskScheduler(model, model.head_map(), CONFIG, options=options, combine=combine)
    before = str(scheduler.state_dict()["combiner"])
    outputs = model(batch.x)
    losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
    losses["t1"] = losses["t1"] * torch.nan
    scheduler.backward(losses)
    finite = bool(torch.isfinite(trunk_gradient(model)).all())
    if nonfinite == "skip":
        assert finite
        assert scheduler.combined is not None
        assert scheduler.combined.weights[1] == 0.0
        assert (scheduler.combined.weights[[0, 2, 3]] > 0.0).all()
        assert model.heads["t1"].weight.grad is None
    else:
        assert not finite
        assert scheduler.combined is None
    scheduler.step()
    assert scheduler.nonfinite().counts == {"t1": 1}
    if nonfinite == "count":
        assert str(scheduler.state_dict()["combiner"]) == before


def test_a_gradient_scaler_changes_no_weight(tiny: Make, batches: Make, task_loss: Make) -> None:
    """AdaTask and GradNorm get unscaled numbers; a step that overflows moves no state."""
    for combine in ("gradnorm", "nash_mtl", "sum"):
        ends = []
        for scale in (None, 2.0**16):
            model = tiny(4)
            scheduler = TaskScheduler(model, model.head_map(), CONFIG, combine=combine)
            scaler = None if scale is None else torch.amp.GradScaler("cpu", init_scale=scale)
            optimizer: Any = torch.optim.SGD(model.trunk.parameters(), lr=0.05)
            if combine == "sum":
                optimizer = AdaTask(scheduler.shared_parameters, num_tasks=4, lr=0.02)
            for step, batch in enumerate(batches(4, 5)):
                outputs = model(batch.x)
                losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
                if scaler is None:
                    if step == 2:
                        scheduler.backward(dict.fromkeys(losses))
                        scheduler.step()
                        continue
                    scheduler.backward(losses)
                    given = (scheduler.task_gradients(),) if combine == "sum" else ()
                    optimizer.step(*given)
                else:
                    if step == 2:
                        losses = {t: loss * torch.inf for t, loss in losses.items()}
                    scheduler.backward(losses, scaler=scaler)
                    given = (scheduler.task_gradients(),) if combine == "sum" else ()
                    scaler.step(optimizer, *given)
                    scaler.update()
                scheduler.step()
            ends.append(torch.cat([p.detach().reshape(-1) for p in model.trunk.parameters()]))
        torch.testing.assert_close(ends[0], ends[1], rtol=1e-5, atol=1e-7)


# -- what is refused ------------------------------------------------------------------------------


class Failing:
    """A Gram-space rule that finds nothing at its second step."""

    def init(self, num_tasks: int) -> int:
        return 0

    def combine(self, gram: Any, state: int, active: Any = None, *, rng: Any = None) -> Any:  # noqa: ANN401
        answer = get_combiner("mean").combine(gram, get_combiner("mean").init(4), active)
        if state == 1:
            return type(answer)(answer.weights * np.nan, state, Status.FAILED, np.inf)
        return type(answer)(answer.weights, state + 1, answer.status, 0.0)


def test_a_failed_solve_is_an_error_and_the_step_can_be_repeated(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    model = tiny(4)
    combine: Any = Failing()
    scheduler = TaskScheduler(model, model.head_map(), CONFIG, combine=combine)
    for step, batch in enumerate(batches(4, 2)):
        outputs = model(batch.x)
        losses = {t: task_loss(outputs, batch, t) for t in scheduler.active()}
        if step == 1:
            with pytest.raises(CombineError, match="found no weights"):
                scheduler.backward(losses)
            assert all(p.grad is None for p in model.parameters())
            losses = dict.fromkeys(scheduler.active())
        scheduler.backward(losses)
        scheduler.step()
    assert scheduler.steps == 2
    assert scheduler.state_dict()["combiner"]["state"] == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"combine": "pcgard"}, "Did you mean 'pcgrad'"),
        ({"combine": PCGrad}, r"write PCGrad\(\)"),
        ({"combine": 3}, "should be a combiner's name"),
        ({"combine": nn.Linear(2, 1).parameters}, None),
        ({"combine": "mgda", "generator": np.random.default_rng(0)}, "MGDA.*draws no random"),
        ({"generator": np.random.default_rng(0)}, "the plain sum draws no random"),
        ({"combine": "pcgrad", "generator": 3}, "should be a numpy.random.Generator or torch"),
        ({"combine": "pcgrad", "options": TorchOptions(memory="sketch")}, "memory='full'"),
        (
            {"combine": "pcgrad", "options": TorchOptions(nonfinite="skip",
                                                          nonfinite_report="refresh")},
            "no combiner that reads",
        ),
    ],
)  # fmt: skip
def test_what_is_no_combiner_is_refused(
    tiny: Make, settings: dict[str, Any], message: str | None
) -> None:
    model = tiny(4)
    if message is None:
        TaskScheduler(model, model.head_map(), CONFIG, **settings)
        return
    with pytest.raises((InvalidInputError, UnknownNameError), match=message):
        TaskScheduler(model, model.head_map(), CONFIG, **settings)


def test_optimisers_and_torchjd_s_own_objects_are_told_apart(tiny: Make) -> None:
    aggregation = pytest.importorskip("torchjd.aggregation")
    model = tiny(4)
    combine: Any
    for combine, message in (
        (AdaTask(model.trunk.parameters(), num_tasks=4), "task_gradients"),
        (aggregation.MGDA(), r"TorchJDCombiner\(MGDA"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            TaskScheduler(model, model.head_map(), CONFIG, combine=combine)


def test_nothing_that_a_combiner_is_told_is_swallowed(
    tiny: Make, batches: Make, task_loss: Make
) -> None:
    (batch,), model = batches(4, 1), tiny(4)
    vectors = {f"t{k}": torch.ones(50) * (k + 1) for k in range(4)}
    ones = dict.fromkeys(vectors, 1.0)

    def make(combine: Any, config: SchedulerConfig = CONFIG) -> TaskScheduler:  # noqa: ANN401
        return TaskScheduler(model, model.head_map(), config, combine=combine)

    dim = make(None)._parts.shared.dim
    vectors = {t: torch.ones(dim) for t in vectors}
    with pytest.raises(InvalidInputError, match="no combiner weighs losses"):
        make("mgda").add_gradients(vectors, ones)
    with pytest.raises(InvalidInputError, match=r"UncertaintyWeighting\(.*found none"):
        make("uncertainty").add_gradients(vectors)
    with pytest.raises(InvalidInputError, match="the losses of t0, t1, t2, t3; found t0"):
        make("uncertainty").add_gradients(vectors, {"t0": 1.0})
    with pytest.raises(InvalidInputError, match="asks for losses after"):
        make("gradnorm").observe_losses(ones)
    for combine in (None, "famo"):
        with pytest.raises(InvalidInputError, match="only DWA"):
            make(combine).end_epoch()
    famo = make("famo")
    famo.add_gradients(vectors, ones)
    with pytest.raises(InvalidInputError, match=r"call scheduler\.observe_losses"):
        famo.step()
    with pytest.raises(InvalidInputError, match="loss of task 't3' after"):
        famo.observe_losses(dict.fromkeys(list(ones)[:3], 0.5))
    with pytest.raises(InvalidInputError, match="unknown task"):
        famo.observe_losses({**ones, "t9": 1.0})
    famo.observe_losses(dict.fromkeys(ones, 0.5))
    famo.step()
    dwa = make("dwa")
    dwa.add_gradients(vectors, ones)
    with pytest.raises(InvalidInputError, match="step 0 is under way"):
        dwa.end_epoch()
    with pytest.raises(InvalidInputError, match="no gradients yet"):
        make("sum").task_gradients()
    unkept = make(None, SchedulerConfig(num_tasks=4, policy="all_tasks"))
    outputs = model(batch.x)
    unkept.backward({t: task_loss(outputs, batch, t) for t in unkept.active()})
    with pytest.raises(InvalidInputError, match="are not kept here"):
        unkept.task_gradients()


def test_duplicate_zero_and_tiny_gradients_are_no_trouble(tiny: Make) -> None:
    """Scales from 1e-12 to 1e12, a zero, a duplicate and a Pareto-stationary pair."""
    model = tiny(4)
    rng = np.random.default_rng(0)
    dim = TaskScheduler(model, model.head_map())._parts.shared.dim
    base = torch.tensor(rng.standard_normal((4, dim)), dtype=torch.float32)
    hard = [
        base * torch.tensor([[1e-12], [1.0], [1e12], [1e3]]),
        torch.stack([base[0], base[0], torch.zeros(dim), base[1]]),
        torch.stack([base[0], -base[0], base[1], base[2]]),
        torch.zeros(4, dim),
    ]
    for combine in ("pcgrad", "mgda", "cagrad", "nash_mtl", "fairgrad", MGDA()):
        scheduler = TaskScheduler(model, model.head_map(), CONFIG, combine=combine)
        for rows in hard:
            while len(scheduler.active()) < 4:
                scheduler.add_gradients(dict.fromkeys(scheduler.active()))
                scheduler.step()
            scheduler.add_gradients({t: rows[int(t[1])] for t in scheduler.active()})
            assert scheduler.combined is not None
            assert scheduler.combined.usable
            assert bool(torch.isfinite(trunk_gradient(model)).all())
            scheduler = TaskScheduler(model, model.head_map(), CONFIG, combine=combine)
