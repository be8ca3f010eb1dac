"""Run where the generated client is, with its generator's packages alone: it asks, and says what it saw as JSON."""

import json
import os
import sys

from generated import AuthenticatedClient  # type: ignore[import-not-found]
from generated.api.assessments import assess  # type: ignore[import-not-found]
from generated.api.models import get_models  # type: ignore[import-not-found]
from generated.api.requests import get_proof, get_request  # type: ignore[import-not-found]
from generated.api.verification import verify  # type: ignore[import-not-found]
from generated.models import PreviewAsked, ProblemBody, ProofTold  # type: ignore[import-not-found]

url, number = sys.argv[1], sys.argv[2]
client = AuthenticatedClient(base_url=f"{url}/v1", token=os.environ["API_KEY"])
wallet = "0x52908400098527886E0F7030069857D2E4169EE7"
loan = {"user_address": wallet, "loan_amount": str(10**30), "loan_duration": 30, "collateral": "0"}

with client as client:
    preview = assess.sync(client=client, body=PreviewAsked.from_dict(loan))
    wrong = assess.sync(client=client, body=PreviewAsked.from_dict(loan | {"loan_duration": 0}))
    request = get_request.sync(client=client, request_id=number)
    proof = get_proof.sync(client=client, request_id=number)
    verdict = verify.sync(client=client, body=ProofTold.from_dict(proof.to_dict()))
    models = get_models.sync(client=client)
assert isinstance(wrong, ProblemBody)
print(
    json.dumps(
        {
            "preview": preview.to_dict(),
            "wrong": [one.field for one in wrong.errors],
            "request": request.to_dict(),
            "verdict": verdict.to_dict(),
            "models": len(models.models),
        }
    )
)
