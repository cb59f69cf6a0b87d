-- What a fund of a hundred thousand payments is asked often, found without walking all of it.

-- An award's payments: of a project of many awards, each was looked for among the payments of all (a minute for alerts).
create index on payment (project, award);
-- What changed the plan: looked for among all moves of the fund by every read that names it.
create index on movement (fund, position) where type = 'FundsReallocated' or entry = 'FundsReallocated';
