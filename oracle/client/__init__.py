"""A typed client of the HTTP API for Python programs: of a daemon it needs the address, and a key where it reads."""

from oracle.client.answers import Assessment as Assessment
from oracle.client.answers import ChainCall as ChainCall
from oracle.client.answers import Change as Change
from oracle.client.answers import Preview as Preview
from oracle.client.answers import Request as Request
from oracle.client.answers import SignedAnswer as SignedAnswer
from oracle.client.answers import Verdict as Verdict
from oracle.client.answers import Wallet as Wallet
from oracle.client.api import RiskOracle as RiskOracle
from oracle.client.borrower import Borrower as Borrower
from oracle.client.calls import ApiRefused as ApiRefused
from oracle.client.hooks import WebhookForged as WebhookForged
from oracle.client.hooks import verify_webhook as verify_webhook
