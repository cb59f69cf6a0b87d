-- ask_check: request a check. If a check is already waiting, return that one.
select ask_check(%(by)s) as id
