"""Which theorems apply to a real training run: hypotheses held to what the run recorded.

``read_run`` finds a run, ``run_rows`` makes arrays (``run_log``) of its rows; one module a topic
holds its theorems to it; ``report`` puts the findings together; ``command`` is ``songoku applies``.
"""
