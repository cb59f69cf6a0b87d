-- Interest is not the fund's money: it comes from the treasury, is surrendered, and is in no other account.
alter table movement add constraint movement_interest_check check (
    (source in ('interest', 'interest_surrendered') or target in ('interest', 'interest_surrendered'))
    = (
        (source, target) in (
            ('treasury', 'interest'), ('interest', 'treasury'),
            ('interest', 'interest_surrendered'), ('interest_surrendered', 'interest')
        )
    )
);
