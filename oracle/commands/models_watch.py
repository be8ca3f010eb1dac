"""`risk-oracle models …` on what the daemon recorded: how its shadow agreed, how requests drifted."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oracle.assessment.request import Address
from oracle.commands.common import ConfigOption, JsonOption, audit_settings_of, run_job, session_of

if TYPE_CHECKING:
    from oracle.store.model_tables import DriftRow
    from oracle.store.shadow_scores import Agreement

models_watch_app = typer.Typer()

_PERIODS = ("day", "week", "month")
_STABLE, _SHIFTED = 0.1, 0.25
_SHOWN_FEATURES = 10


@models_watch_app.command("shadow")
def models_shadow(
    by: Annotated[str, typer.Option(help=" | ".join(_PERIODS))] = "day",
    days: Annotated[int, typer.Option(min=1, help="How far back.")] = 30,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show how the shadow model agreed with what was answered: category flips and differences, by period."""
    if by not in _PERIODS:
        raise typer.BadParameter(f"expected one of {', '.join(_PERIODS)}", param_hint="--by")

    async def read() -> "list[Agreement]":
        from oracle.store import shadow_scores

        settings = audit_settings_of(config)
        since = datetime.now(UTC) - timedelta(days=days)
        async with session_of(settings) as session:
            chain = settings.chain
            return await shadow_scores.agreement(session, chain.chain_id, Address(chain.oracle), by, since)

    found = run_job(read())
    if as_json:
        typer.echo(json.dumps({"periods": [asdict(one) | {"period": one.period.isoformat()} for one in found]}))
        return
    if not found:
        typer.echo(f"no request of the last {days} days was scored by a shadow")
    for pair in dict.fromkeys((one.model_id, one.answered_by) for one in found):
        typer.echo(f"shadow {pair[0]} beside {pair[1]}; differences are shadow minus answer")
        typer.echo(
            f"  {by:12}{'requests':>9}{'riskier':>9}{'safer':>7}{'score':>9}{'|score|':>9}{'largest':>9}{'default':>9}"
        )
        for one in found:
            if (one.model_id, one.answered_by) == pair:
                typer.echo(
                    f"  {one.period:%Y-%m-%d}  {one.requests:>9}{one.riskier:>9}{one.safer:>9}"
                    f"{one.mean_score_difference / 100:>9.2f}{one.mean_absolute_score_difference / 100:>9.2f}"
                    f"{one.largest_score_difference / 100:>9.2f}{one.mean_default_difference / 100:>8.2f}%"
                )


@models_watch_app.command("drift")
def models_drift(
    last: Annotated[int, typer.Option(min=1, help="How many measurements.")] = 1,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show how far requests are from the model's training data, and how its answers fared, as last measured."""

    async def read() -> "list[DriftRow]":
        from oracle.store import drift

        settings = audit_settings_of(config)
        async with session_of(settings) as session:
            chain = settings.chain
            return list(await drift.measurements(session, chain.chain_id, Address(chain.oracle), last))

    found = run_job(read())
    if as_json:
        typer.echo(json.dumps({"measurements": [_plain(row) for row in found]}))
        return
    if not found:
        typer.echo("nothing was measured yet: the daemon measures every drift.every_minutes")
    for row in found:
        typer.echo("\n".join(measured(row)))


def _plain(row: "DriftRow") -> dict[str, Any]:
    return {
        "at": row.at.isoformat(),
        "model_id": row.model_id,
        "window_days": row.window_days,
        "requests": row.requests,
        "worst_psi": row.worst_psi,
        **row.content,
    }


def measured(row: "DriftRow") -> list[str]:
    """Return a measurement in lines for people."""
    drift, outcomes = row.content["drift"], row.content["outcomes"]
    lines = [f"{row.at:%Y-%m-%d %H:%M} UTC  model {row.model_id}  {row.requests} requests in {row.window_days} days"]
    if drift["features"] is None:
        lines.append("  features: too few requests for a number")
    else:
        ordered = sorted(drift["features"].items(), key=lambda item: -item[1])
        lines += [f"  {name:32} {value:8.3f}  {_word(value)}" for name, value in ordered[:_SHOWN_FEATURES]]
        lines.append(f"  {len(ordered) - _SHOWN_FEATURES} more features at or below {ordered[_SHOWN_FEATURES][1]:.3f}")
    if drift["score_psi"] is None:
        lines.append(f"  score: {drift['scored']} requests of this model, too few for a number")
    else:
        shares = " / ".join(f"{share:.0%}" for share in drift["category_shares"])
        lines.append(f"  {'score':32} {drift['score_psi']:8.3f}  {_word(drift['score_psi'])}")
        word = f"{_word(drift['category_psi'])} (low / medium / high {shares})"
        lines.append(f"  {'category':32} {drift['category_psi']:8.3f}  {word}")
    known = f"{outcomes['ended']} ended, {outcomes['defaulted']} of them defaulted, {outcomes['late']} repaid late"
    lines.append(f"  loans: {outcomes['open']} open, {known}")
    if outcomes["brier"] is None:
        lines.append("  calibration: too few loans ended for a number")
        return lines
    lines.append(
        f"  calibration: predicted {outcomes['mean_predicted']:.1%}, observed {outcomes['observed']:.1%}; Brier "
        f"{outcomes['brier']:.4f}, of the base rate {outcomes['base_rate_brier']:.4f} (granted loans only)"
    )
    lines += [f"    {rows:5} loans: predicted {said:.1%}, observed {was:.1%}" for rows, said, was in outcomes["bins"]]
    return lines


def _word(psi: float) -> str:
    if psi > _SHIFTED:
        return "SHIFTED"
    return "moved" if psi > _STABLE else "stable"
