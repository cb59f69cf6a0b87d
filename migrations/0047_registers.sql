-- What auditors read of each application and award: what was applied for, shown, decided, amended, returned and
-- recovered.

alter table application
    add column number text collate "C",  -- 受理号
    add column amount bigint check (amount > 0),
    add column title text collate "C",
    add column place text collate "C",
    add column starts_on date,
    add column ends_on date,
    add column excluded boolean not null default false,
    add column received_position bigint not null default 0;
alter table application alter column excluded drop default, alter column received_position drop default;
drop index application_fund_idx;
create index on application (fund, received_position);
create index on application (received_position);

-- By application, the amount in yuan of the last completed notice that listed it. As `noticed` in the state of a round.
alter table round add column shown jsonb;

alter table award
    add column round integer not null default 0,
    add column applied bigint,
    add column decided bigint not null default 0 check (decided >= 0);
alter table award alter column round drop default, alter column decided drop default;
create index on award (project, application);

-- Few of all movements and payments.
create index on movement (project, award) where type = 'AwardAmended' or entry = 'AwardAmended';
create index on movement (fund, booked_on)
    where type in ('PaymentReturned', 'RecoveryReceived') or entry in ('PaymentReturned', 'RecoveryReceived');
create index on payment (project, award) where returned > 0 or recovered > 0;
