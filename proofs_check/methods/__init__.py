"""Ways to look at a statement, shared by the claim modules.

Each helper returns a :class:`~proofs_check.model.Finding`; none of them knows what a claim is.
A helper that runs out of time, or whose algebra does not close, says INCONCLUSIVE: never a pass.
"""
