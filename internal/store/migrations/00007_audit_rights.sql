-- The auditor reads what its checks compare, and nothing that opens a door: neither passwords, second
-- factors, sessions and codes, nor sealed personal data of people. A new table or column that a check
-- needs is granted by its own migration.

-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE
    here    text := current_schema();
    secrets jsonb := '{
        "application": ["phone", "address", "pickup_code"],
        "message":     ["phone", "params"],
        "person":      ["id_number", "id_index", "phone", "phone_index", "address", "guardian", "password_hash"],
        "photo":       ["image"],
        "signing_key": ["private_key"],
        "staff":       ["password_hash", "totp_secret", "totp_last_step"]
    }';
    name    text;
    rest    text;
BEGIN
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE SELECT ON TABLES FROM volcard_audit', here);
    FOR name IN SELECT jsonb_object_keys(secrets) LOOP
        SELECT string_agg(quote_ident(column_name), ', ') INTO rest FROM information_schema.columns
         WHERE table_schema = here AND table_name = name AND NOT secrets -> name ? column_name;
        EXECUTE format('REVOKE SELECT ON %I FROM volcard_audit', name);
        EXECUTE format('GRANT SELECT (%s) ON %I TO volcard_audit', rest, name);
    END LOOP;
END
$$;
-- +goose StatementEnd
REVOKE SELECT ON session, sms_code, attempt, admin_token, outbox_page, application_draft FROM volcard_audit;

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
    here text := current_schema();
BEGIN
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO volcard_audit', here);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO volcard_audit', here);
END
$$;
-- +goose StatementEnd
