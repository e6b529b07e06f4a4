"""The report: one static page from the ledger, the store and the figures on disk."""
