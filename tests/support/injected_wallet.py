"""A wallet in a page, as an extension injects it (EIP-1193, EIP-6963): a real key, real signatures, a real chain."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from playwright.async_api import BrowserContext

from oracle.devnet.machinery.anvil import Anvil, RpcError

_SCRIPT = """
(() => {
  const heard = {};
  const provider = {
    on: (name, act) => void (heard[name] ??= []).push(act),
    removeListener: (name, act) => void (heard[name] = (heard[name] ?? []).filter((one) => one !== act)),
    request: async ({ method, params }) => {
      const told = JSON.parse(await window.__wallet(JSON.stringify({ method, params: params ?? [] })));
      if (told.error) throw Object.assign(new Error(told.error.message), told.error);
      if (told.emits) (heard[told.emits[0]] ?? []).forEach((act) => act(told.emits[1]));
      return told.result;
    },
  };
  const detail = Object.freeze({ info: { uuid: "1", name: "Test Wallet", icon: "", rdns: "test" }, provider });
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  window.addEventListener("eip6963:requestProvider", announce);
  window.ethereum = provider;
  announce();
})();
"""


class Refused(Exception):
    """What a wallet answers a page with instead of a result."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class InjectedWallet:
    """One account; `calls` is all that a page asked. `before` sees each call first, and may raise Refused."""

    chain: Anvil
    account: LocalAccount
    chain_id: int
    calls: list[tuple[str, Any]] = field(default_factory=list)
    before: Callable[[str, Any], None] = lambda method, params: None

    async def into(self, context: BrowserContext) -> None:
        """Inject it into each page of a context, before the page's own scripts."""
        await context.expose_function("__wallet", self._answer)
        await context.add_init_script(_SCRIPT)

    async def _answer(self, text: str) -> str:
        asked = json.loads(text)
        method, params = asked["method"], asked["params"]
        self.calls.append((method, params))
        try:
            self.before(method, params)
            return json.dumps(await self._do(method, params))
        except Refused as refused:
            return json.dumps({"error": {"code": refused.code, "message": str(refused)}})
        except RpcError as error:
            return json.dumps({"error": error.payload})

    async def _do(self, method: str, params: Any) -> dict[str, Any]:
        match method:
            case "eth_requestAccounts" | "eth_accounts":
                return {"result": [self.account.address]}
            case "eth_chainId":
                return {"result": hex(self.chain_id)}
            case "wallet_switchEthereumChain":
                self.chain_id = int(params[0]["chainId"], 16)
                return {"result": None, "emits": ["chainChanged", params[0]["chainId"]]}
            case "eth_signTypedData_v4":
                typed = json.loads(params[1])
                signed = Account.sign_typed_data(self.account.key, full_message=typed)
                return {"result": "0x" + signed.signature.hex().removeprefix("0x")}
            case "eth_sendTransaction":
                return {"result": await self._send(params[0])}
        return {"result": await self.chain.rpc(method, *params)}

    async def _send(self, asked: dict[str, str]) -> str:
        sent = {key: asked[key] for key in ("value", "data") if key in asked} | {"to": to_checksum_address(asked["to"])}
        rpc = self.chain.rpc
        transaction = {
            **sent,
            "chainId": self.chain.chain_id,
            "nonce": await rpc("eth_getTransactionCount", self.account.address, "pending"),
            "gas": await rpc("eth_estimateGas", {**sent, "from": self.account.address}),
            "maxFeePerGas": 30 * 10**9,
            "maxPriorityFeePerGas": 10**9,
        }
        signed = self.account.sign_transaction(transaction)
        return str(await rpc("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex().removeprefix("0x")))
