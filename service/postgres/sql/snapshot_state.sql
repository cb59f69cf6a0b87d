-- snapshot_state: the saved state of a stream.
select state from snapshot where stream = %(stream)s
