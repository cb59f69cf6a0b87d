-- related: by what a line of an account that serves several funds is recognised as one of this fund: the names and
-- accounts of the payees of its awards, and the codes of its projects.
select
    array(select distinct payee from award where fund = %(fund)s) as names,
    array(select distinct payee_digest from award where fund = %(fund)s) as accounts,
    array(select project from project where fund = %(fund)s) as projects
