-- nonce: the number that tells the event at a position from another history's event at this position.
select nonce from event where position = %(position)s
