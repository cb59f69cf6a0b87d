-- add_sources: let a key post events of further sources.
update api_key set sources = array(select distinct unnest(sources || %(sources)s::text[]) order by 1)
where name = %(name)s
