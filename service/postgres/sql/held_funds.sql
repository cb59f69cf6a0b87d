-- held_funds: the funds that are held, each with the event that cannot be folded.
select h.fund, h.position, e.stream, e.version, e.type, h.projection, h.finding, h.held_at
from held_fund as h
join event as e using (position)
order by h.fund
