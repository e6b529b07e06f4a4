"""Figures, tables and the report, drawn from stored rows and the ledger."""
