"""`python -m tests.chaos [short|long|ledger]`: a daemon under every fault at once; the last line is one JSON object.

CHAOS_SEED chooses another campaign. The exit code is 1 when anything is lost, doubled, wrong or stuck, or when the
campaign did not get to do what it was meant to.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from typing import Any, Final

from oracle.devnet.stack import local_stack
from oracle.scratch import ScratchFolder
from tests.chaos.campaign import PLANS, Run, run
from tests.chaos.judge import Verdict, judge, read_ledger

_SEED: Final = 20_261_128
_LEAST: Final = {
    "requests": 40,
    "kills": 10,
    "prover_kills": 6,
    "reorganisations": 12,
    "database_deaths": 3,
    "foreign_transactions": 1,
    "second_daemons": 1,
}
_LEDGER: Final = ("requests", "reorganisations", "foreign_transactions")
_MOST_REVERTED: Final = 0.01
_LONGEST_RECOVERY_SECONDS: Final = 10.0


def say(text: str) -> None:
    print(f"  {text}", flush=True)


async def main() -> int:
    name, seed = sys.argv[1] if len(sys.argv) > 1 else "short", int(os.environ.get("CHAOS_SEED", _SEED))
    plan = PLANS[name]
    say(f"seed {seed} (CHAOS_SEED={seed})")
    begun = time.monotonic()
    scratch = ScratchFolder("risk-oracle-chaos-")
    folder = scratch.path
    async with local_stack(folder, histories=False, say=say) as stack:
        done = await run(stack, plan, seed, say)
        say("judging")
        verdict = await judge(stack, await read_ledger(stack))
    result = _result(done, verdict, seed, time.monotonic() - begun)
    missed = _missed(result, done, proofs=plan.private < plan.requests)
    for what in missed:
        print(f"missed: {what}", flush=True)
    if missed:
        print(f"what was said lies in {folder}, until the next campaign", flush=True)
    else:
        scratch.remove()
    print(json.dumps({**result, "missed": missed}), flush=True)
    return 1 if missed else 0


def _result(done: Run, verdict: Verdict, seed: int, seconds: float) -> dict[str, Any]:
    recoveries = sorted(done.recoveries)
    p95 = statistics.quantiles(recoveries, n=20, method="inclusive")[-1] if len(recoveries) > 1 else None
    return {
        "seed": seed,
        "requests": verdict.requests,
        **dict(verdict.ends),
        **{name: done.faults.counts[name] for name in _LEAST if name != "requests"},
        "lost": len(verdict.lost),
        "stuck": len(verdict.stuck),
        "answered_twice": len(verdict.answered_twice),
        "differing_answers": len(verdict.differing),
        "misnamed": len(verdict.misnamed),
        "mined_of_ours": verdict.mined,
        "reverted_of_ours": round(len(verdict.reverted) / max(verdict.mined, 1), 4),
        "recovery_p50_s": round(statistics.median(recoveries), 1) if recoveries else None,
        "recovery_p95_s": None if p95 is None else round(p95, 1),
        # Where many share a machine, as much longer as a start takes there.
        "recovery_limit_s": round(_LONGEST_RECOVERY_SECONDS * statistics.median(done.faults.slow), 1),
        "recoveries_s": [round(one, 1) for one in recoveries],
        "seconds": round(seconds),
        "_reverted": verdict.reverted,
        "_ids": {name: getattr(verdict, name) for name in ("lost", "stuck", "answered_twice", "differing", "misnamed")},
    }


def _missed(result: dict[str, Any], done: Run, *, proofs: bool) -> list[str]:
    ids, reverted = result.pop("_ids"), result.pop("_reverted")
    few = [name for name, least in _LEAST.items() if result[name] < least and (proofs or name in _LEDGER)]
    missed = [f"{name} {result[name]}, at least {_LEAST[name]} wanted" for name in few]
    missed += [f"{name.replace('_', ' ')}: requests {found}" for name, found in ids.items() if found]
    if not done.quiet:
        missed.append("not quiet: something was still open when nothing changed any more")
    if result["reverted_of_ours"] > _MOST_REVERTED:
        share = f"{result['reverted_of_ours']:.1%}, at most {_MOST_REVERTED:.0%} wanted"
        missed.append(f"reverted of ours {share}: {', '.join(reverted)}")
    p95, limit = result["recovery_p95_s"], result["recovery_limit_s"]
    if proofs and (p95 is None or p95 > limit):
        missed.append(f"recovery p95 {p95} s, at most {limit:g} s wanted")
    if ended := [code for code in done.faults.codes if code != -9]:
        missed.append(f"the daemon ended by itself, with codes {ended}")
    if done.stop_code != 0:
        missed.append(f"told to stop, the daemon ended with code {done.stop_code}")
    return missed


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
