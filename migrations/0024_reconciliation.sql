-- reconciliation: each acceptance of a statement that was held against the books, and whether it was taken back.
create table reconciliation (
    fund text not null,
    version bigint not null,  -- of its StatementReconciled in the fund's stream
    file_sha256 text not null,
    first_day date not null,
    last_day date not null,
    compared_at bigint not null,  -- the position of the log that the statement was held against
    lines integer not null,
    received bigint not null check (received >= 0),
    paid_out bigint not null check (paid_out >= 0),
    matches integer not null,
    exceptions integer not null,
    accepted_on date not null,
    accepted_by text not null,
    status text not null,  -- accepted, reversed
    events bigint[] not null,
    primary key (fund, version)
);

-- What the last step of one type said of a payment, before a position.
create function last_step(
    of_project text, of_batch integer, of_award text, of_payment text, of_type text, before_position bigint
) returns jsonb language sql stable as $$
    select e.fact
    from movement as m
    join event as e using (position)
    where
        m.project = of_project
        and m.batch = of_batch
        and m.award = of_award
        and m.payment = of_payment
        and m.type = of_type
        and m.position < before_position
    order by m.position desc
    limit 1
$$;

-- The number of the first document of these kinds that a fact cites.
create function number_of(fact jsonb, variadic kinds text[]) returns text language sql immutable as $$
    select d.document ->> 'number'
    from jsonb_array_elements(fact -> 'documents') with ordinality as d (document, ordinal)
    where d.document ->> 'kind' = any(kinds)
    order by d.ordinal
    limit 1
$$;
