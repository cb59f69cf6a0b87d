"""The fund aggregate: one special fund with its appropriations, its plan and its allotments to projects."""
