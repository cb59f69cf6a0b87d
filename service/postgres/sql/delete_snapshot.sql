-- delete_snapshot: forget the snapshot of a stream.
delete from snapshot where stream = %(stream)s
