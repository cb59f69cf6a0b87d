-- save_snapshot: save the state of a long stream after an event of the log, unless a later state of the same code is
-- already saved.
select save_snapshot(%(stream)s, %(version)s, %(position)s, %(nonce)s, %(code)s, %(state)s)
