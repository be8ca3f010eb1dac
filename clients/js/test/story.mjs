// One loan by the client, against a running daemon: told by the environment, says what it saw as one JSON object.
import { createPublicClient, createWalletClient, defineChain, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { ApiRefused, NothingToVerify, RiskOracle, RiskOracleApi, verify } from "@risk-oracle/client";

const { RPC_URL, CHAIN_ID, ORACLE, API_URL, API_KEY, BORROWER_KEY, LENDER_KEY, START_BLOCK } = process.env;
const chain = defineChain({
  id: Number(CHAIN_ID),
  name: "local",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [RPC_URL] } },
});
const transport = http(RPC_URL);
const client = createPublicClient({ chain, transport, pollingInterval: 100 });
const wallet = (key) => createWalletClient({ account: privateKeyToAccount(key), chain, transport });
const [borrower, lender] = [wallet(BORROWER_KEY), wallet(LENDER_KEY)];

const oracle = new RiskOracle(client, ORACLE);
const api = new RiskOracleApi(API_URL, API_KEY);
const terms = {
  principalToken: "0x0000000000000000000000000000000000000000",
  principal: 10n ** 18n,
  collateralToken: "0x0000000000000000000000000000000000000000",
  collateral: 2n * 10n ** 18n,
  duration: 30 * 86_400,
};
const loan = { borrower: borrower.account.address, loanAmount: 10n ** 18n, loanDays: 30, collateral: 2n * 10n ** 18n };

const preview = await api.preview(loan);
const told = await api.call(loan, { requester: lender.account.address });
const consent = await oracle.consent(borrower, lender.account.address, terms);
const requestId = await oracle.ask(lender, terms, { borrower: borrower.account.address, consent });
const outcome = await oracle.wait(requestId, { seconds: 120 });
const verdict = await verify(client, ORACLE, requestId, { startBlock: BigInt(START_BLOCK) });
const signed = await api.signed(requestId);
const byApi = await api.verify(await api.proof(requestId));
// The last bit of the proof, which stands at the end of the calldata but for padding.
const forged = signed.calldata.replace(signed.proof.slice(2), flipped(signed.proof.slice(2)));
const refused = await verify(client, ORACLE, requestId, { calldata: forged });

function flipped(hex) {
  return hex.slice(0, -1) + (hex.endsWith("0") ? "1" : "0");
}

async function fault(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return { kind: error.constructor.name, message: error.message, fields: error.fields ?? null };
  }
}

const wrongField = await fault(api.preview({ ...loan, loanDays: 0 }));
const unknown = await fault(verify(client, ORACLE, 999n, { startBlock: BigInt(START_BLOCK) }));
const usedTwice = await fault(oracle.ask(lender, terms, { borrower: borrower.account.address, consent }));
if (!(ApiRefused.prototype instanceof Error && NothingToVerify.prototype instanceof Error))
  throw new Error("no errors");

const plain = (_, value) => (typeof value === "bigint" ? value.toString() : value);
console.log(
  JSON.stringify({ preview, told, requestId, outcome, verdict, byApi, refused, wrongField, unknown, usedTwice }, plain),
);
