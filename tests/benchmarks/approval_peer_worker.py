"""What `approval_peer` runs on the peer's own Python: concrete-ml, one key, the decision alone.

It is given a file of the table's fields and labels, and answers each row's number on its standard input with one line
of JSON: the seconds that encryption, evaluation and decryption of that row took by the clock and of processor, and the
decision.
"""

import json
import sys
import time
from typing import IO, Any

import numpy as np
from concrete.ml.sklearn import XGBClassifier
from sklearn.metrics import roc_auc_score

# As the original application has it: a small boosted ensemble on few bits.
_BITS, _TREES, _DEPTH = 3, 20, 3


def main(file: str, answers: IO[str]) -> None:
    """Fit, compile, make the one key, and answer until the input ends."""
    data = np.load(file)
    features, labels, folds = data["features"], data["labels"], data["folds"]
    auc = float(np.mean([_fold_auc(features, labels, folds == fold) for fold in np.unique(folds)]))
    model = _model().fit(features, labels)
    began = time.perf_counter()
    circuit = model.compile(features)
    compiled = time.perf_counter()
    circuit.client.keygen()
    keys = time.perf_counter()
    size = circuit.size_of_bootstrap_keys + circuit.size_of_keyswitch_keys
    told = {"auc": auc, "compile_seconds": compiled - began, "keys_seconds": keys - compiled, "key_bytes": size}
    _answer(answers, told)
    for line in sys.stdin:
        row = features[int(line)][None, :]
        began, used = time.perf_counter(), time.process_time()
        decided = int(model.predict(row, fhe="execute")[0])
        took = {"seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - used}
        _answer(answers, {**took, "rejected": decided, "in_the_clear": int(model.predict(row)[0])})


def _model() -> Any:
    return XGBClassifier(n_bits=_BITS, n_estimators=_TREES, max_depth=_DEPTH, n_jobs=1, random_state=0)


def _fold_auc(features: Any, labels: Any, kept: Any) -> float:
    fitted = _model().fit(features[~kept], labels[~kept])
    return float(roc_auc_score(labels[kept], fitted.predict_proba(features[kept])[:, 1]))


def _answer(stream: IO[str], told: dict[str, Any]) -> None:
    stream.write(json.dumps(told) + "\n")
    stream.flush()


if __name__ == "__main__":
    # What the library prints is not an answer.
    printed, sys.stdout = sys.stdout, sys.stderr
    main(sys.argv[1], printed)
