"""Prometheus metrics of the pipeline."""

from prometheus_client import Counter, Gauge, Histogram

from oracle.assessment.states import STAGE_OF, State

STAGE_SECONDS = Histogram(
    "risk_oracle_stage_seconds",
    "Time that one stage took for one request",
    ["stage"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
)
STAGE_FAULTS = Counter("risk_oracle_stage_faults_total", "Tries of a stage that failed", ["stage"])
REQUESTS = Gauge("risk_oracle_requests", "Requests in each state", ["state"])
DEAD_LETTERS = Gauge("risk_oracle_dead_letters", "Requests given up, which only the operator brings back")
HEAD_BLOCK = Gauge("risk_oracle_head_block", "Newest block seen")
SEARCHED_BLOCK = Gauge("risk_oracle_searched_block", "Newest block searched for requests")
NONCE_GAP_SECONDS = Gauge("risk_oracle_nonce_gap_seconds", "How long the chain waits for a nonce that no answer holds")
OLDEST_SUBMITTED_SECONDS = Gauge("risk_oracle_oldest_submitted_seconds", "Age of the oldest answer that is not mined")
UNATTENDED_SECONDS = Gauge("risk_oracle_unattended_seconds", "How long nobody works on a request that is due")
PART_OK = Gauge("risk_oracle_part_ok", "1 when a part of the daemon is well", ["part"])
ENDPOINT_UP = Gauge("risk_oracle_endpoint_up", "1 when an RPC endpoint is asked, 0 while it rests", ["endpoint"])
ENDPOINT_LATENCY = Gauge("risk_oracle_endpoint_latency_seconds", "Smoothed time of an answer", ["endpoint"])
ENDPOINT_LAG = Gauge("risk_oracle_endpoint_lag_blocks", "Blocks behind the best endpoint's head", ["endpoint"])
ENDPOINT_FAILURES = Gauge("risk_oracle_endpoint_failures", "Failures in a row", ["endpoint"])
HISTORY_CALLS = Histogram(
    "risk_oracle_history_rpc_calls",
    "RPC calls that one wallet's history took",
    buckets=(10, 30, 100, 300, 1_000, 3_000, 10_000),
)
HISTORY_API_CALLS = Histogram(
    "risk_oracle_history_api_calls",
    "Calls of transactions APIs and subgraphs that one wallet's history took",
    buckets=(0, 3, 10, 30, 100, 300, 1_000),
)
EXPLANATION_SECONDS = Histogram(
    "risk_oracle_explanation_seconds",
    "Time that one explanation took",
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1),
)
EXPLANATION_FAULTS = Counter("risk_oracle_explanation_faults_total", "Explanations that could not be made")
SHADOW_FAULTS = Counter("risk_oracle_shadow_faults_total", "Requests on which the shadow model failed")
DRIFT_PSI = Gauge("risk_oracle_drift_psi", "Population stability index against the model's reference", ["kind", "name"])
DRIFT_REQUESTS = Gauge("risk_oracle_drift_requests", "Requests that the last drift measurement looked at")
OUTCOMES = Gauge("risk_oracle_loan_outcomes", "Answered requests whose loan ended", ["outcome"])
OUTCOME_BRIER = Gauge("risk_oracle_outcome_brier", "Brier score of the probability of default on loans that ended")
API_SECONDS = Histogram(
    "risk_oracle_api_seconds",
    "Time that one answer of the HTTP API took",
    ["route"],
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
API_ANSWERS = Counter("risk_oracle_api_answers_total", "Answers of the HTTP API", ["route", "status"])

# A counter that first appears with its first event has no rate of it: whatever can be named is here from the start.
for _stage in STAGE_OF:
    STAGE_SECONDS.labels(_stage)
    STAGE_FAULTS.labels(_stage)
for _state in State:
    REQUESTS.labels(_state.value)
