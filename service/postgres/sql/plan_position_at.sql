-- plan_position_at: the event that had put the plan in force that was in force at a position and booking date.
select max(position) as position
from plan
where
    fund = %(fund)s
    and position <= coalesce(%(position)s, position)
    and booked_on <= coalesce(%(booked_on)s, booked_on)
