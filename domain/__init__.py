"""The rules of a special fund: which events are allowed and what state they lead to. Pure: no clock, no ids, no I/O."""
