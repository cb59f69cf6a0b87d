-- A key may name the person who uses it. A step that needs two people then compares persons, not typed names.

-- The person as the operator has named them, or a token's subject (`ISSUER#SUBJECT`); null for a key that several
-- people use, or a program. It is named once, and changes only with the secret: a rotation hands the key to another.
alter table api_key add column person text collate "C" check (length(person) between 1 and 200);

alter table access_change drop constraint access_change_action_check;
alter table access_change add constraint access_change_action_check
check (action in ('created', 'rotated', 'revoked', 'allowed', 'named'));
