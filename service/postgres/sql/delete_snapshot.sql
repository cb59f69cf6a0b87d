-- delete_snapshot: forget the snapshot of a stream.
select delete_snapshot(%(stream)s)
