-- The role of Grafana and of a dashboard that stands alone: it reads what pages show, and no secret (keys of the API,
-- webhooks and their secrets, openings, kept answers, accounts and sessions). Run it with psql as the database's owner after each
-- `risk-oracle db upgrade`, for a schema may bring tables:
--
--   psql --set=ON_ERROR_STOP=1 --set=password_file=/run/secrets/reader_password --file=deploy/reader.sql "$DATABASE_URL"
\set reader_password `cat :'password_file'`
-- The password is never a statement's text that the server's log could hold.
set log_statement = 'none';
set log_min_error_statement = 'panic';
select 'create role reader login' where not exists (select from pg_roles where rolname = 'reader') \gexec
alter role reader with login nosuperuser nocreatedb nocreaterole noreplication password :'reader_password';
alter role reader set default_transaction_read_only = on;
alter role reader set statement_timeout = '10s';
revoke all on all tables in schema public from reader;
grant usage on schema public to reader;
grant select (id, name, role, created_at) on operators to reader;
grant select on
  accounts, alembic_version, blocks, broadcasts, cursors, daemons, drift_measurements, explanations, gas_tallies,
  history_findings, loan_cursors, loan_outcomes, market_cursors, market_events, operator_actions, posted_proofs,
  request_tallies, requests, shadow_scores, step_tallies, tally_changes, transactions, transitions
to reader;
grant select (id, name, role, created_at) on operators to reader;
