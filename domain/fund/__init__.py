"""The fund aggregate: one special fund, with its appropriations, its plan and what it allots to projects."""
