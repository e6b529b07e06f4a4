"""Policies by name."""

from __future__ import annotations

from songoku_theory.errors import unknown_name
from songoku_theory.schedule.policies.all_tasks import AllTasks
from songoku_theory.schedule.policies.base import Policy
from songoku_theory.schedule.policies.cycle import Cycle
from songoku_theory.schedule.policies.oldest_first import OldestFirst
from songoku_theory.schedule.policies.random_groups import RandomGroups
from songoku_theory.schedule.policies.round_robin import RoundRobin
from songoku_theory.schedule.policies.sequential import Sequential
from songoku_theory.schedule.policies.single_step import SingleStep
from songoku_theory.schedule.policies.static import Static

__all__ = ["available_policies", "get_policy"]

_POLICIES: dict[str, type[Policy]] = {
    kind.name: kind
    for kind in (
        Cycle, OldestFirst, Static, SingleStep, AllTasks, RandomGroups, RoundRobin, Sequential
    )
}  # fmt: skip


def available_policies() -> tuple[str, ...]:
    """Return the names of the policies, in order.

    Examples
    --------
    >>> available_policies()[:2]
    ('all_tasks', 'cycle')
    """
    return tuple(sorted(_POLICIES))


def get_policy(policy: str | Policy) -> Policy:
    """Return a policy by its name, with its default settings; a policy is returned as it is.

    Parameters
    ----------
    policy : str or Policy

    Returns
    -------
    Policy

    Raises
    ------
    UnknownNameError
        When no policy has that name; the message names the nearest.

    Examples
    --------
    >>> get_policy("random_groups")
    RandomGroups(num_groups=None, seed=0)
    """
    if isinstance(policy, Policy):
        return policy
    if policy not in _POLICIES:
        raise unknown_name("policy", str(policy), _POLICIES)
    return _POLICIES[policy]()
