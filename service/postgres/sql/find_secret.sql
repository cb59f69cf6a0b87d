-- find_secret: whether this secret is known.
select name from api_secret where digest = %(digest)s
