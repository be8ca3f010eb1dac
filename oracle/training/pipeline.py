"""`risk-oracle models train`: from a data folder to a model folder, in stages that are kept."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch

from oracle.models.anomaly import AnomalyModel
from oracle.models.export import WEIGHTS, export
from oracle.models.folder import OPEN, model_id_of
from oracle.models.integer import IntegerNetwork
from oracle.models.kept_policy import save_policy
from oracle.models.network import RiskNetwork, Shape
from oracle.models.open_graph import export_open
from oracle.models.policy import POLICY, Policy
from oracle.models.quantise import check_no_overflow, quantise_
from oracle.models.registry import DEFAULT_MODEL, FLOAT_WEIGHTS
from oracle.models.weights import load_float, load_weights, save_float
from oracle.training.accounts import Accounts, read_accounts, without_flow
from oracle.training.anomaly import fit_anomaly
from oracle.training.assemble import Trunks, install_scores, unrounded, weigh_passports
from oracle.training.book import SIZES, Book, draw_piece, joined, pieces_of, read_sources
from oracle.training.card import write_card
from oracle.training.checks import check_classes
from oracle.training.figures import draw_figures
from oracle.training.fit import Trunk
from oracle.training.heads import fit_credit, fit_fraud, fit_passport
from oracle.training.judging import JUDGED, Learned, judge_one
from oracle.training.passports import Passports, read_card, read_home
from oracle.training.progress import Progress
from oracle.training.recipes import Recipes, read_recipes
from oracle.training.reference import write_reference_of
from oracle.training.remake import CARD, METRICS, circuit_figures
from oracle.training.rules import Terms, apply_rules
from oracle.training.seen import seen_of, write_seen
from oracle.training.stages import Stages
from oracle.training.tables import data_files
from oracle.training.terms import install_confidence, install_terms
from oracle.training.workers import Workers, call_alone

SEED: Final = 7
"""What the shipped model was trained with."""
HEADS: Final = ("fraud", "home", "card", "credit")
_STAGES = 8


def train(
    data_dir: Path,
    out_dir: Path,
    seed: int = SEED,
    *,
    name: str = DEFAULT_MODEL,
    policy: Policy = POLICY,
    recipes: Recipes | None = None,
    sizes: dict[int, int] = SIZES,
    stages_dir: Path | None = None,
    workers: Workers | None = None,
    say: Callable[[str], None] | None = None,
    keep: Path | None = None,
) -> dict[str, Any]:
    """Train, quantise, export and judge a model; returns its metrics, which `out_dir`/metrics.json also holds.

    The same data, seed, recipes and releases of the libraries give the same bytes, on whatever `workers`. Stages are
    kept in `stages_dir`: a run that was killed goes on from there. With `keep`, a model folder, nothing is learned
    anew: its weights stay, confidence is installed again by the policy, and all is measured. Raises UnusableData for
    data that does not fit, NotRepresentable when an input could overflow the circuit, CircuitTooLarge for a network
    beyond 2^12 rows.
    """
    recipes = recipes or read_recipes()
    keep = keep and keep.resolve()
    inputs = {"seed": seed, "policy": asdict(policy), "recipes": recipes.flat(), "sizes": list(sizes.items())}
    if keep is not None:
        inputs["keep"] = model_id_of(keep).hex()
    with Progress(_STAGES, say) as progress:
        stages = Stages(stages_dir, progress, inputs=inputs, files=data_files(data_dir), workers=workers)
        accounts, home, card = stages.run("data read and encoded", lambda: _read(data_dir, seed))
        pieces = {f"{piece.part}.{piece.number}": piece for piece in pieces_of(sizes)}
        drawn = stages.run_each(
            "loan book drawn", draw_piece, pieces, lambda: (read_sources(data_dir, accounts, seed), seed, policy)
        )
        book = joined(list(drawn.values()))
        if keep is None:
            heads = {head: head for head in HEADS}
            fitted = stages.run_each(
                "heads fitted", fit_head, heads, lambda: (accounts, home, card, book, recipes, seed)
            )
            network, floats, terms, weights = stages.run(
                "quantised and calibrated", lambda: call_alone(_assemble, fitted, book, accounts, policy, seed)
            )
            anomaly = stages.run("anomaly model fitted", lambda: fit_anomaly(accounts, seed))
        else:
            network, floats, terms, weights = _kept(keep, book, policy)
            anomaly = AnomalyModel.load(keep)
        integers = IntegerNetwork.of(network)
        learned = Learned(integers, floats, anomaly, accounts, book, home, card, terms)
        tasks = {task: task for task in JUDGED}
        judged = stages.run_each("judged", judge_one, tasks, lambda: (learned, data_dir, policy, seed))
        out_dir.mkdir(parents=True, exist_ok=True)
        anomaly.save(out_dir)
        save_policy(policy, out_dir)
        write_seen(out_dir, seen_of(accounts, home, card, data_dir, seed))
        model_id = export(network, out_dir, name)
        export_open(network, out_dir / OPEN, f"{name}-open")
        save_float(floats, out_dir / FLOAT_WEIGHTS)
        write_reference_of(out_dir, bytes.fromhex(model_id), integers, book)
        draw_figures(out_dir, integers, accounts, book, home, card)
        metrics: dict[str, Any] = {
            "name": name,
            "model_id": model_id,
            "seed": seed,
            **({} if keep is None else {"learned_by": _learned_by(keep)}),
            "sizes": {str(part): size for part, size in sizes.items()},
            "circuit": circuit_figures(out_dir, check_no_overflow(network)),
            "passport_weights": [round(weight, 4) for weight in weights],
            **judged,
        }
        metrics["fraud-extra"] = metrics["fraud"].pop("extra")
        metrics["fraud"]["without_flow"] = without_flow(accounts)
        (out_dir / METRICS).write_text(json.dumps(metrics, indent=2) + "\n")
        (out_dir / CARD).write_text(write_card(name, metrics, policy))
        stages.tidy()
        progress.say(f"model {model_id} written to {out_dir}")
    return metrics


def fit_head(
    head: str, accounts: Accounts, home: Passports, card: Passports, book: Book, recipes: Recipes, seed: int
) -> Trunk:
    """Return one of HEADS, fitted."""
    shape = Shape()
    if head == "fraud":
        return fit_fraud(accounts, shape, recipes.fraud, seed)
    if head == "home":
        return fit_passport(home, shape.home, recipes.home, seed)
    if head == "card":
        return fit_passport(card, shape.card, recipes.card, seed)
    return fit_credit(book, shape, recipes.credit, seed)


def _read(data_dir: Path, seed: int) -> tuple[Accounts, Passports, Passports]:
    accounts, home, card = read_accounts(data_dir, seed), read_home(data_dir, seed), read_card(data_dir, seed)
    check_classes(accounts.fraud, accounts.part, "fraud accounts")
    check_classes(home.bad, home.part, "home owners")
    check_classes(card.bad, card.part, "card holders")
    return accounts, home, card


def _kept(folder: Path, book: Book, policy: Policy) -> tuple[RiskNetwork, RiskNetwork, Terms, tuple[float, float]]:
    network = quantise_(install_confidence(load_weights(folder / WEIGHTS), book, policy))
    floats = install_confidence(load_float(folder / FLOAT_WEIGHTS), book, policy)
    home, card = _metrics_of(folder)["passport_weights"]
    return network, floats, apply_rules(IntegerNetwork.of(network), book, policy), (home, card)


def _learned_by(folder: Path) -> str:
    """Return the id of the model that a folder's weights were learned for."""
    metrics = _metrics_of(folder)
    return str(metrics.get("learned_by", metrics["model_id"]))


def _metrics_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return found


def _assemble(
    fitted: dict[str, Trunk], book: Book, accounts: Accounts, policy: Policy, seed: int
) -> tuple[RiskNetwork, RiskNetwork, Terms, tuple[float, float]]:
    weights = weigh_passports(fitted["credit"], fitted["home"], fitted["card"], book)
    trunks = Trunks(fitted["credit"], fitted["fraud"], fitted["home"], fitted["card"], weights)
    torch.manual_seed(seed)
    network = RiskNetwork()
    install_scores(network, trunks, book, accounts, policy)
    terms = apply_rules(IntegerNetwork.of(network), book, policy)
    install_terms(network, book, terms, policy, seed)
    return network, unrounded(network, trunks), terms, weights
