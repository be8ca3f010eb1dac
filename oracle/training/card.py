"""The model card: what the model is, what it learned from, what was measured, what it is not for."""

# ruff: noqa: E501 - a page of text, line by line

from typing import Any, Final

from oracle.models.policy import Policy
from oracle.training.draw import FAILURE_SHARE, LIQUIDATED, PERIODS
from oracle.training.heads import CREDIT_READS, UNKNOWN_FRAUD
from oracle.training.musts import FRAUD_PRECISION, better_than_base_rate, target_lines
from oracle.training.split import TEST, TRAIN, VALIDATION

TASKS: Final[dict[str, str]] = {
    "fraud": "fraud (accounts of Ethereum)",
    "hmeq": "home owner's passport (HMEQ)",
    "uci": "card holder's passport (UCI)",
    "rocifi": "failure to repay (RociFi, 1 USD and more)",
    "repeat-liquidation": "liquidated again in 90 days (Aave)",
}


def write_card(name: str, metrics: dict[str, Any], policy: Policy) -> str:
    """Return the card in Markdown from the metrics that training measured."""
    fraud, book, circuit, terms = (metrics[key] for key in ("fraud", "book", "circuit", "terms"))
    extra, rocifi = metrics["fraud-extra"], metrics["rocifi"]
    every_column = fraud["baselines"]["gradient_boosting_on_every_column_precision_at_recall_80"]
    rounding, quantised = book["quantisation"], fraud["quantised"]
    parts = "; ".join(
        f"{label} {metrics['sizes'][str(part)]} loans, {PERIODS[part][0]} to {PERIODS[part][1]}"
        for label, part in (("training", TRAIN), ("validation", VALIDATION), ("test", TEST))
    )
    beats = "the model" in dict(better_than_base_rate(metrics, "rocifi"))
    lines = [
        f"# Model card: {name}",
        "",
        f"Model id `{metrics['model_id']}`. Circuit: k = {circuit['logrows']}, {circuit['rows']} rows. Figures are of the",
        "quantised circuit's outputs, on data that training never saw, with 95 % bootstrap intervals.",
        *_learned_by(metrics),
        "",
        "## What it answers",
        "For one wallet and one loan: probability of a credit event within the loan's duration, fraud likelihood,",
        f"category (medium from a probability of {_share(policy.medium_default)} or fraud of {_share(policy.medium_fraud)}, high from {_share(policy.high_default)} or {_share(policy.high_fraud)}), score from 0",
        "to 100 (higher is safer, strictly falling in the probability), interest rate, duration, maximum LTV, confidence.",
        "",
        "Confidence says how much is known, not how safe the loan is: it falls with a short history (few transactions and",
        "counterparties, no or recent borrowing: where any two of the three are missing the wallet is thin, whatever else",
        "there is of it, so transactions to oneself and gifts of strangers make nobody known) and with distance to the training loans (market volatility, duration and",
        f"activity beyond their {_share(policy.training_quantile)} and {_share(1 - policy.training_quantile)} quantiles). Under {_share(policy.thin_below)} the wallet is **thin**. The mark follows from the proven",
        "confidence, so a contract can ask for a minimum; the category stays the rule on the two probabilities, because what",
        "a thin wallet pledges is known even when its owner is not.",
        "",
        "## What it learned from",
        "- Fraud: `eth_fraud_accounts` (Kaggle, V. Aliyev; licence not restated at its source), 12 flow features that a live",
        "  wallet has too: no ERC-20 column and no life span, which give the label away through how the source was collected.",
        "  Accounts without any flow (every one labelled fraud) are left out of training: such an address is given about",
        f"  the base rate ({UNKNOWN_FRAUD:.0%} before calibration), never called a fraud. Gradient boosting teaches the network.",
        "- Liquidation and default: a **semi-synthetic** loan book. Every ingredient is real (leverage of Aave positions, daily",
        "  prices, RociFi loans with what their borrowers had done before, card clients' instalments for lateness, Aave",
        "  liquidations with what followed, passports); their combination is drawn independently. The outcome is decided by",
        "  the prices that followed and by the drawn borrower's real outcome. The share of borrowers who fail to repay is an",
        f"  assumption ({FAILURE_SHARE:.0%}): the source's own level is unverified. The network's target is structural (a coin without drift",
        "  at today's volatility, the known odds of lateness and of repeated liquidation), not what happened to these loans: one",
        "  period's market is not the next one's. Outcomes judge it. Collateral is the chain's own coin.",
        f"- The credit trunk reads {', '.join(CREDIT_READS)}.",
        "  It is monotone by construction: a better value of one of these never raises the probability, all else equal.",
        "- Private passports: HMEQ home owners (no licence stated) and UCI card clients (Yeh and Lien, CC BY 4.0), without",
        f"  demographics. A passport moves the log odds by its likelihood ratio times {metrics['passport_weights'][0]} and {metrics['passport_weights'][1]} (fitted on the book).",
        "  That debt to income is not stated weighs heavily, as in the source, where it may be an artefact.",
        "- Terms follow the policy by rule; maximum LTV and duration are distilled from their rules.",
        "",
        f"Splits are by wallet everywhere (equal rows stay together); the book's prices and loans also by time: {parts}.",
        f"Its liquidations, with what followed, lie in the same times; those of the test part go on until {LIQUIDATED[TEST][1]}, later",
        "than all else. The histories that are drawn into a loan are split by wallet alone: RociFi's are of June 2022 to January",
        "2023, the positions of June 2023, accounts and card clients undated.",
        "RociFi and repeated liquidation are judged twice: by wallet, and by wallet and time together. The fraud accounts and",
        "the passports carry no dates.",
        "",
        "## What was measured",
        *target_lines(metrics),
        "",
        "| task | unseen rows | base rate | AUC, quantised (95 %) | AUC, float | Brier | calibration error | baselines (AUC) |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(label, metrics[task]) for task, label in TASKS.items()),
        *_book_rows(book),
        "",
        f"- Fraud: precision {quantised['precision_at_recall_80']:.4f} at recall 0.8 ({_span(quantised['precision_at_recall_80_interval'])}); recall {quantised['recall_at_fpr_1']:.4f} at 1 % false positives.",
        f"  Gradient boosting on the same rows and features: precision {fraud['baselines'].get('gradient_boosting_precision_at_recall_80', 0):.4f}; on every column but ERC-20 and life span",
        f"  {every_column:.4f} (AUC {fraud['baselines']['gradient_boosting_on_every_column_auc']:.4f}){': the data, not the network, set the limit' if every_column < FRAUD_PRECISION else ''}.",
        *_without_flow(fraud),
        f"- Fraud of another collection ({extra['rows']} accounts, all fraud, three columns rebuilt): recall {extra['quantised']['recall_at_fpr_1']:.4f} at the",
        f"  same threshold; {extra['populations']['with_flow']['quantised']['recall_at_fpr_1']:.4f} of those with any flow. Gradient boosting: {extra['baselines']['gradient_boosting_recall_at_fpr_1']:.4f}.",
        f"- Book: category accuracy {book['quantised']['accuracy']:.4f}, against the category that a historical simulation of the later period's own",
        "  price paths gives each loan. A credit event is a liquidation or a failure to repay, which hardly anything foretells.",
        f"- RociFi: the model {'beats' if beats else 'does not beat'} the base rate's Brier score ({rocifi['baselines']['base_rate_brier']:.4f}; moved to that base rate it has",
        f"  {rocifi['quantised']['brier_shifted_to_base_rate']:.4f}); gradient boosting fitted on that protocol's own histories reaches {rocifi['baselines']['gradient_boosting_brier']:.4f}, at an AUC of {rocifi['baselines']['gradient_boosting_auc']:.4f}.",
        *(
            _by_time(label, metrics[task]["by_time"])
            for task, label in (("rocifi", "RociFi"), ("repeat-liquidation", "Repeated liquidation"))
        ),
        *_anomaly(metrics["anomaly"]),
        "- For the passports and the two real sets the probability is that of a loan at the assumed share of failures, not",
        "  the table's own level: their Brier scores and calibration errors show that difference, the AUC does not.",
        "",
        "![ROC](roc.png) ![Precision and recall](precision_recall.png) ![Calibration](calibration.png)",
        "",
        "All three are of unseen rows, with the quantised circuit's outputs.",
        "",
        "| category in the book's later period | share | by historical simulation | event rate |",
        "|---|---|---|---|",
        *(
            f"| {key} | {entry['share']:.1%} | {entry['reference_share']:.1%} | {_rate(entry['event_rate'])} |"
            for key, entry in book["categories"].items()
        ),
        "",
        *_confidence(metrics["confidence"]),
        *_subgroups(metrics.get("subgroups", {})),
        f"Rounding to the circuit's grid moves the probability by {rounding['probability_mean_error']:.5f} and the score by {rounding['score_mean_error_points']:.3f} points on",
        f"average, and the category of {rounding['category_flips']:.2%} of the loans. The circuit never rescales: integer inference equals it to the bit.",
        "",
        f"Distilled terms: maximum LTV is off its rule by {terms['maximum_ltv_mean_error_points']} points on average (95th percentile",
        f"{terms['maximum_ltv_95th_error_points']}), duration by {terms['duration_mean_error_days']} days.",
        "",
        "## What it is not",
        "- The book's figures say how well the model separates events *in the book*; no large set of real borrowers with",
        "  features at a time and outcomes after it exists among the sources. RociFi and repeated liquidation are the wholly",
        "  real judgements, on history alone.",
        "- Lateness was learned from card clients, passports from credit applicants: proxies, not DeFi borrowers.",
        f"- Market regimes differ: in the test period the mean probability given was {book['quantised']['mean_probability']:.1%}, the event rate {book['base_rate']:.1%}.",
        "- Ethereum and Polygon history of 2020 to 2023; other chains and later years are not covered.",
        "- Thin wallets get a low confidence, not a wrong certainty: read it before the score. In the book a wallet's flow is",
        "  drawn independently of its loans, so the book cannot show that strangers repay as others do; RociFi says they do not.",
        "- No age, sex, nationality or marital status is a feature; DeFi wallets carry none.",
        "",
    ]
    return "\n".join(lines)


def _row(label: str, task: dict[str, Any]) -> str:
    found = task["quantised"]
    return (
        f"| {label} | {task['rows']} | {task['base_rate']:.1%} | {found['auc']:.4f} ({_span(found['auc_interval'])}) |"
        f" {task['float']['auc']:.4f} | {found['brier']:.4f} | {found['calibration_error']:.4f} | {_aucs(task['baselines'])} |"
    )


def _book_rows(book: dict[str, Any]) -> list[str]:
    found, exact = book["quantised"], book["float"]
    return [
        f"| liquidation in the book's later period | {book['rows']} | {book['liquidation_rate']:.1%} | {found['auc']:.4f} ({_span(found['auc_interval'])}) |"
        f" {exact['auc']:.4f} | – | – | {_aucs(book['baselines'])} |",
        f"| credit event in the book's later period | {book['rows']} | {book['base_rate']:.1%} | {found['event_auc']:.4f} ({_span(found['event_auc_interval'])}) |"
        f" {exact['event_auc']:.4f} | {found['brier']:.4f} (base rate {book['baselines']['base_rate_brier']:.4f}) | {found['calibration_error']:.4f} | – |",
    ]


def _aucs(baselines: dict[str, Any]) -> str:
    return ", ".join(
        f"{key.removesuffix('_auc').replace('_', ' ')} {value:.4f}"
        for key, value in baselines.items()
        if key.endswith("_auc")
    )


def _without_flow(fraud: dict[str, Any]) -> list[str]:
    found = fraud["without_flow"]
    if not found["rows"]:
        return ["- Every account of the source shows a flow."]
    alike = (
        "with identical features" if found["distinct"] == 1 else f"with {found['distinct']} different sets of features"
    )
    lines = [
        f"- {found['rows']} of the source's accounts show no flow at all: {found['fraud']} of them are labelled fraud, {alike}.",
        "  Equal rows lie on one side of the split that holds data back, and of the one made here:",
        f"  {found['training']} are training rows, {found['validation']} validation rows, {found['test']} among the unseen rows that are judged.",
    ]
    if not found["test"]:
        return [
            *lines,
            "  So all fraud figures here are of accounts with flow; one without is given about the base rate.",
        ]
    with_flow = fraud["populations"].get("with_flow")
    if with_flow is None:
        return [*lines, "  Accounts with flow cannot be judged apart here: one class is missing among them."]
    return [
        *lines,
        "",
        "  | unseen accounts | rows | AUC (95 %) | precision at recall 0.8 | recall at 1 % false positives |",
        "  |---|---|---|---|---|",
        *(
            f"  | {name} | {entry['rows']} | {entry['quantised']['auc']:.4f} ({_span(entry['quantised']['auc_interval'])}) |"
            f" {entry['quantised']['precision_at_recall_80']:.4f} | {entry['quantised']['recall_at_fpr_1']:.4f} |"
            for name, entry in (("all", fraud), ("with flow", with_flow))
        ),
        "",
    ]


def _by_time(label: str, task: dict[str, Any]) -> str:
    found, base = task["quantised"], task["baselines"]
    return (
        f"- {label} by wallet and time ({task['rows']} latest rows, base rate {task['base_rate']:.1%}): AUC {found['auc']:.4f} ({_span(found['auc_interval'])}),\n"
        f"  Brier {found['brier_shifted_to_base_rate']:.4f} at that base rate, whose own is {base['base_rate_brier']:.4f}; logistic regression {base['logistic_regression_auc']:.4f}, gradient boosting {base['gradient_boosting_auc']:.4f}."
    )


def _anomaly(found: dict[str, Any]) -> list[str]:
    mixture, raw, encoded = (
        found[key] for key in ("mixture", "isolation_forest_on_values", "isolation_forest_on_encoded")
    )
    return [
        f"- Anomaly score, beside the proof and without a fraud ever seen: AUC {mixture['auc']:.4f} ({_span(mixture['auc_interval'])}) on the unseen accounts;",
        f"  IsolationForest {encoded['auc']:.4f} ({_span(encoded['auc_interval'])}) on the same features, {raw['auc']:.4f} ({_span(raw['auc_interval'])}) on bare values.",
    ]


def _learned_by(metrics: dict[str, Any]) -> list[str]:
    if "learned_by" not in metrics:
        return []
    return [
        f"Its trunks, curves and distilled terms are those of model `{metrics['learned_by']}`, weight for weight; what a",
        "policy installs of confidence, the feature table and all figures are this model's own.",
    ]


def _confidence(found: dict[str, Any]) -> list[str]:
    return [
        "| wallets in the book's later period | loans | event rate | mean probability given |",
        "|---|---|---|---|",
        *(
            f"| {key.replace('_', ' ')} | {found[key]['rows']} | {_rate(found[key]['event_rate'])} | {_rate(found[key]['mean_probability'])} |"
            for key in ("thin", "deep", "thin_and_low", "deep_and_low")
        ),
        "",
    ]


def _subgroups(groups: dict[str, Any]) -> list[str]:
    if not groups:
        return []
    return [
        "Demographics are no features; the card clients' table has them, so that this can be checked:",
        "",
        "| card clients, unseen | rows | default rate | AUC | share in the riskiest fifth |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {entry['rows']} | {entry['base_rate']:.1%} | {entry['auc']:.4f} | {entry['riskiest_fifth']:.1%} |"
            for name, entry in groups.items()
        ),
        "",
    ]


def _span(bounds: list[float]) -> str:
    return f"{bounds[0]:.4f} to {bounds[1]:.4f}"


def _share(value: float) -> str:
    return f"{value * 100:.6g}%"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
