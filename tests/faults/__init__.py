"""The fault campaign: everything that can fail fails while programs post; nothing may be lost or counted twice.

`__main__.py` runs it; `site.py` is the ledger as it is operated; `senders.py` posts; `proof.py` compares what was
acknowledged with the log; the other modules have the faults. docs/operations/faults.md tells operators what each fault
does and what they do then.
"""
