"""The project aggregate: one line of the plan with its calls, applications, awards, acceptances and payments."""
