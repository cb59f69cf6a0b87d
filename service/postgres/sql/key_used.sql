-- key_used: record that a secret was used now.
update api_secret set last_used_at = now() where digest = %(digest)s
