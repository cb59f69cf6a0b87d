-- check_claim_rows: claimed numbers whose event is not in the log.
select c.kind as of, c.number, 'of nobody' as state, '不属于任何事件' as state_zh
from claim as c
left join event as e using (stream, version)
where e.position is null and %(upto)s >= 0
order by c.kind, c.number
