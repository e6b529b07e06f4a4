"""The whole of Table 1: an equal tuning budget, the runs, and what their scores say."""
