"""Training a benchmark: batches, steps, evaluation, checkpoints, records."""
