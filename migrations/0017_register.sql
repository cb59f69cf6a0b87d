-- The register of payments and the list of awards are read in the order of their first events.
create index on payment ((events[1]));
create index on payment (payment);
create index on payment (plain(voucher));
create index on payment (plain(bank_reference));
create index on payment (plain(payee));
create index on payment (payee_uscc);
create index on award ((events[1]), award);
