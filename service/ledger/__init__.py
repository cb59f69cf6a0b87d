"""The ledger: load, decide, append. The only package that imports `eventsourcing`."""
