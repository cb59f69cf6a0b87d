-- An event of the log as the CloudEvent it is served as, in one piece of JSON; `source` names this ledger.
create function cloudevent(of event, source text) returns text language sql stable parallel safe
return '{"specversion":"1.0","id":"' || (of).position || '","source":' || to_json(source) || ',"type":"' || (of).type
    || '","subject":"' || (of).stream || '","time":"'
    || to_char((of).recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","datacontenttype":"application/json","position":' || (of).position || ',"streamversion":' || (of).version
    || ',"data":' || (of).fact || '}';
