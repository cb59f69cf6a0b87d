-- Recipients by identity: units, natural persons and holders of other registrations; and their changes of name.

-- The identity of a recipient or payee in an event, as Recipient.identity gives it; null if it has none.
create function identity_of(recipient jsonb) returns text language sql immutable parallel safe as $$
    select coalesce(
        'uscc:' || (recipient ->> 'uscc'),
        'id_card:' || (recipient #>> '{id_card,last4}') || '/' || (recipient #>> '{id_card,digest}'),
        'registration:' || (recipient #>> '{registration,country}') || '/' || (recipient #>> '{registration,kind}') || '/'
            || (recipient #>> '{registration,number}')
    )
$$;

-- The code after an identity of the kind `uscc` or `registration`; null for another kind.
create function identity_code(identity text, kind text) returns text language sql immutable parallel safe as $$
    select case when identity like kind || ':%' then substr(identity, length(kind) + 2) end
$$;

-- The last four characters of the identity card of a person; null for another kind of identity.
create function identity_last4(identity text) returns text language sql immutable parallel safe as $$
    select split_part(identity_code(identity, 'id_card'), '/', 1)
$$;

alter table application add column identity text collate "C" not null default '';
alter table application alter column identity drop default;

alter table award
    add column identity text collate "C" not null default '',
    add column payee_identity text collate "C" not null default '',
    add column payee_digest text collate "C" not null default '';  -- of the account
alter table award
    alter column identity drop default,
    alter column payee_identity drop default,
    alter column payee_digest drop default;
create index on award (identity);
create index on award (payee_identity);
create index on award (fund, payee_digest);
create index on award (plain(applicant));
create index on award (plain(payee));
create index on award (fund, (events[1])) where payee_identity <> identity;

-- payee_identity: of the bank's confirmation; if that has none, of the request, unless the bank paid another.
alter table payment add column payee_identity text collate "C";
drop index payment_payee_uscc_idx;
create index on payment (payee_identity);

-- recipient_rename: each change of a recipient's name or identity, and whether it was reversed.
create table recipient_rename (
    project text collate "C" not null,
    version bigint not null,  -- of the event RecipientRenamed in the project's stream
    fund text collate "C" not null,
    application text collate "C" not null,
    old_name text collate "C" not null,
    old_identity text collate "C" not null,
    new_name text collate "C" not null,
    new_identity text collate "C" not null,
    renamed_on date not null,
    status text collate "C" not null,
    events bigint[] not null,
    primary key (project, version)
);
create index on recipient_rename (project, application);
create index on recipient_rename (old_identity);
create index on recipient_rename (new_identity);
create index on recipient_rename (plain(old_name));
create index on recipient_rename (plain(new_name));
create index on recipient_rename (fund);

-- recipient: each recipient that a project has ever had an award for, and the account that was to be paid, '' if a
-- change of name gives none. `elsewhere`: other projects of the fund have had it too. `shared`: in the fund, the
-- account has had other recipients too. From these rows, alerts find what is worth looking up. No row depends on
-- another fund, because a fund may be held.
create table recipient (
    identity text collate "C" not null,
    project text collate "C" not null,
    digest text collate "C" not null,
    fund text collate "C" not null,
    elsewhere boolean not null,
    shared boolean not null,
    primary key (fund, identity, project, digest)
);
create index on recipient (identity, fund);
create index on recipient (fund, digest);
create index on recipient (fund, identity) where elsewhere;
create index on recipient (fund, digest) where shared;

-- The awards whose applicant or payee has the identity, or had it before or has had it since a change of name.
create function awards_of(searched text) returns table (project text, award text) language sql stable as $$
    select project, award from award where identity = searched
    union
    select project, award from award where payee_identity = searched
    union
    select a.project, a.award
    from recipient_rename as r
    join award as a using (project, application)
    where r.status = 'recorded' and searched in (r.old_identity, r.new_identity)
$$;

-- The same by name.
create function awards_named(searched text) returns table (project text, award text) language sql stable as $$
    select project, award from award where plain(applicant) = plain(searched)
    union
    select project, award from award where plain(payee) = plain(searched)
    union
    select a.project, a.award
    from recipient_rename as r
    join award as a using (project, application)
    where r.status = 'recorded' and plain(searched) in (plain(r.old_name), plain(r.new_name))
$$;

-- The payments to the recipient with the identity, also under the identities before and after its changes of name.
create function payments_of(searched text) returns table (project text, payment text) language sql stable as $$
    select project, payment from payment where payee_identity = searched
    union
    select p.project, p.payment
    from recipient_rename as r
    join recipient_rename as other using (project, application)
    join award as a using (project, application)
    join payment as p on p.project = a.project and p.award = a.award
    where
        r.status = 'recorded'
        and other.status = 'recorded'
        and searched in (r.old_identity, r.new_identity)
        and p.payee_identity in (other.old_identity, other.new_identity)
$$;

-- The same by name.
create function payments_named(searched text) returns table (project text, payment text) language sql stable as $$
    select project, payment from payment where plain(payee) = plain(searched)
    union
    select p.project, p.payment
    from recipient_rename as r
    join recipient_rename as other using (project, application)
    join award as a using (project, application)
    join payment as p on p.project = a.project and p.award = a.award
    where
        r.status = 'recorded'
        and other.status = 'recorded'
        and plain(searched) in (plain(r.old_name), plain(r.new_name))
        and p.payee_identity in (other.old_identity, other.new_identity)
$$;
