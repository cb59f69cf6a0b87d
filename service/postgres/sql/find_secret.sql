-- find_secret: the name of the key that a secret belongs to, valid or not.
select name from api_secret where digest = %(digest)s
