"""Export a fund's ledger in the formats of other programs."""
