"""The Etherscan-style HTTP API, version 2, which Blockscout speaks too."""

import re
from types import TracebackType
from typing import Any, Final, Self

from oracle.assessment.errors import ConfigurationFault, TransientFault
from oracle.history.reading.paced_api import ApiBusy, PacedApi

# "Max daily rate limit reached" does not pass while somebody waits.
_BUSY: Final = re.compile(r"max (calls|rate limit)|rate limit|too many requests", re.IGNORECASE)
_SPENT: Final = re.compile(r"daily", re.IGNORECASE)
_REFUSED: Final = re.compile(r"api key|apikey|chainid|not supported|unknown (module|action)", re.IGNORECASE)
_TOO_MUCH: Final = re.compile(r"time-?out|smaller result|window is too large", re.IGNORECASE)
_NOTHING: Final = re.compile(r"^no .*found", re.IGNORECASE)


class ResultTooLarge(TransientFault):
    """The API cannot give so many results at once."""


class EtherscanClient:
    """One API for all wallets, asked within its plan's limit; no text of its errors holds the key."""

    def __init__(
        self,
        url: str,
        chain_id: int,
        *,
        key: str | None = None,
        requests_per_second: float = 5.0,
        attempts: int = 5,
        timeout_seconds: float = 20.0,
    ) -> None:
        self._url = url
        self._fixed = {"chainid": str(chain_id), **({} if key is None else {"apikey": key})}
        self._api = PacedApi(
            "the transactions API",
            requests_per_second=requests_per_second,
            attempts=attempts,
            timeout_seconds=timeout_seconds,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session's connections."""
        await self._api.close()

    async def get(self, module: str, action: str, **parameters: str | int) -> Any:
        """Return an action's `result`, an empty list where the API found nothing.

        Raises ResultTooLarge, ConfigurationFault for a refused key, chain or action, TransientFault for the rest.
        """
        given = {name: str(value) for name, value in parameters.items()}
        query = {"module": module, "action": action, **given, **self._fixed}
        return await self._api.ask(
            action, lambda session: session.get(self._url, params=query), lambda answer: _result(action, answer)
        )


def _result(action: str, answer: Any) -> Any:
    if not isinstance(answer, dict) or "result" not in answer:
        raise TransientFault(f"the transactions API answered {action} with something else than an object with a result")
    result = answer["result"]
    # The proxied node calls have no status.
    if str(answer.get("status", "1")) == "1" and "error" not in answer:
        return result
    message = str(answer.get("message", ""))
    text = result if isinstance(result, str) and result else message
    if _NOTHING.search(message):
        return []
    if _TOO_MUCH.search(text):
        raise ResultTooLarge(f"the transactions API cannot answer {action} so widely: {text}")
    if _BUSY.search(text) and not _SPENT.search(text):
        raise ApiBusy(f"the transactions API asks for a pause: {text}")
    if _REFUSED.search(text):
        raise ConfigurationFault(f"the transactions API refuses {action}: {text}")
    raise TransientFault(f"the transactions API refuses {action}: {text}")
