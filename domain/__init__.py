"""The rules of the money: what may happen to a special fund, and what has happened. Pure: no clock, no ids, no I/O."""
