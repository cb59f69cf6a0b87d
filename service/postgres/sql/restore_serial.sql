-- restore_serial: the next serial of a ledger that is brought back from its archive.
update serial set next = %(next)s
