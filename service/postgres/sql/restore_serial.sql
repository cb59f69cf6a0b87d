-- restore_serial: set the next serial of a ledger that is restored from its archive.
update serial set next = %(next)s
