"""`risk-oracle db …`: the database's schema."""

import typer

from oracle.commands.common import ConfigOption, JsonOption, audit_settings_of, engine_of, run_job, tell

database_app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@database_app.command("upgrade")
def database_upgrade(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Bring the schema to this version's."""

    async def upgrade() -> None:
        from oracle.store import database

        async with engine_of(audit_settings_of(config)) as engine:
            await database.migrate(engine)

    run_job(upgrade())
    tell({"schema": "upgraded"}, "the schema is up to date", as_json=as_json)


@database_app.command("check")
def database_check(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Say whether the schema is the one this version needs."""

    async def check() -> None:
        from oracle.store import database

        async with engine_of(audit_settings_of(config)) as engine:
            await database.check_schema(engine)

    run_job(check())
    tell({"schema": "right"}, "the schema is the one this version needs", as_json=as_json)
