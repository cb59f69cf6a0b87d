-- check_claim_rows: claimed numbers whose event is not in the log, and those of which two may be of the same document.
select c.kind as of, c.number, 'of nobody' as state, '不属于任何事件' as state_zh
from claim as c
left join event as e using (stream, version)
where e.position is null and %(upto)s >= 0
union all
select distinct c.kind, c.number, 'used twice', '重复使用'
from claim as c
join claim as d using (kind, number, source)
where
    c.shared
    and (c.stream, c.version) <> (d.stream, d.version)
    and claims_are_same(
        c.issuer, c.own_bank, c.day, c.event_day, d.issuer, d.own_bank, d.day, d.event_day
    )
order by 1, 2
