-- logs_values: returns a row if the server may write the parameter values of statements into its log.
select true as logs
where
    current_setting('log_parameter_max_length') <> '0'
    and (
        current_setting('log_statement') in ('mod', 'all')
        or current_setting('log_min_duration_statement') <> '-1'
        or current_setting('log_min_duration_sample') <> '-1'
    )
