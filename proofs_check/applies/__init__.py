"""Which theorems apply to a real training run: hypotheses held to what the run recorded.

``run_log`` reads a stored run; one module a topic holds its theorems to it; ``report`` puts the
findings together; ``command`` is ``songoku applies``.
"""
