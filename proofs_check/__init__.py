"""The claims ledger: statements, assumptions, checks, verdicts, counterexamples."""
