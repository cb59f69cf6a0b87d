-- name_person: set the person who uses a key.
update api_key set person = %(person)s where name = %(name)s
