import type { Address, Hash, Hex } from "viem";
import { erc20Abi, parseAbi, zeroAddress } from "viem";
import { RiskOracle } from "../src/oracle.js";
import type { Attestation } from "./form.js";
import type { Connected } from "./wallet.js";
import { coins, Said } from "./words.js";

/** What is asked for; amounts in smallest units, seconds, basis points a year. */
export type Order = {
  principal: bigint;
  collateral: bigint;
  duration: number;
  minimumPrincipal: bigint;
  minimumDuration: number;
  maximumRate: number;
};

/** The token that a lender lends. */
export type Lent = { token: Address; symbol: string; decimals: number };

/** What this transaction needs of coins beside gas. */
export type Price = { fee: bigint; collateral: bigint };

type Say = (text: string) => void;

/** Send the request that this page was filled in for; the person was shown `price.fee`. Returns the oracle's request id. */
export async function ask(
  by: Connected,
  oracle: RiskOracle,
  order: Order,
  commitment: Hex,
  to: { lender: Address | null; attestation: Attestation | null; price: Price },
  say: Say,
): Promise<bigint> {
  await by.requireChain();
  const fee = await oracle.fee();
  if (fee !== to.price.fee)
    throw new Said(`The oracle's fee is ${coins(fee)} now, not ${coins(to.price.fee)}: nothing was asked; press again.`);
  if (to.lender === null) {
    say("Your wallet asks you to send the request.");
    const { principal, collateral, duration } = order;
    const terms = { principalToken: zeroAddress, principal, collateralToken: zeroAddress, collateral, duration };
    return oracle.ask(by.wallet, terms, { dataCommitment: commitment });
  }
  return askLender(by, oracle, order, commitment, { ...to, lender: to.lender, fee }, say);
}

async function askLender(
  by: Connected,
  oracle: RiskOracle,
  order: Order,
  commitment: Hex,
  to: { lender: Address; attestation: Attestation | null; fee: bigint },
  say: Say,
): Promise<bigint> {
  const desk = { address: to.lender, abi: DESK } as const;
  const terms = await by.client.readContract({ ...desk, functionName: "judgedTerms", args: [order] });
  say("Your wallet asks for your consent: this lender may ask about exactly this loan and this commitment, once.");
  const consent = await oracle.consent(by.wallet, to.lender, terms, { dataCommitment: commitment });
  say("Your wallet asks you to send the request, with collateral and fee.");
  const sent = { account: by.account, value: order.collateral + to.fee } as const;
  let hash: Hash;
  if (to.attestation === null) {
    const args = [order, commitment, consent] as const;
    const { request } = await by.client.simulateContract({ ...desk, ...sent, functionName: "requestLoan", args });
    hash = await by.wallet.writeContract(request);
  } else {
    const args = [order, commitment, consent, to.attestation] as const;
    const { request } = await by.client.simulateContract({ ...desk, ...sent, functionName: "requestLoan", args });
    hash = await by.wallet.writeContract(request);
  }
  say("Sent. Waiting for the chain to take it into a block.");
  return oracle.requestIn(hash);
}

/** What a lender lends; throws Said for an address that is no lender of this kind. */
export async function lentBy(by: Connected, lender: Address): Promise<Lent> {
  const order = { principal: 1n, collateral: 1n, duration: 86_400, minimumPrincipal: 0n, minimumDuration: 0, maximumRate: 0 };
  const desk = { address: lender, abi: DESK, functionName: "judgedTerms", args: [order] } as const;
  const { principalToken: token } = await by.client.readContract(desk).catch(() => {
    throw new Said("There is no such lender on your wallet's chain: choose another, or tell the operator.");
  });
  if (token === zeroAddress) return { token, symbol: "coins", decimals: 18 };
  const asset = { address: token, abi: erc20Abi } as const;
  const [symbol, decimals] = await Promise.all([
    by.client.readContract({ ...asset, functionName: "symbol" }),
    by.client.readContract({ ...asset, functionName: "decimals" }),
  ]);
  return { token, symbol: symbol.slice(0, 12), decimals };
}

// What a borrower calls of a lender's desk, and all that it, the oracle and the registry of issuers may refuse it with.
const DESK = parseAbi([
  "struct Order { uint128 principal; uint128 collateral; uint32 duration; uint128 minimumPrincipal; uint32 minimumDuration; uint16 maximumRate; }",
  "struct LoanTerms { address principalToken; uint128 principal; address collateralToken; uint128 collateral; uint32 duration; }",
  "struct Consent { uint64 validUntil; bytes signature; }",
  "struct Attestation { bytes32 issuer; bytes32 schema; uint64 validUntil; bytes signature; }",
  "function judgedTerms(Order order) view returns (LoanTerms)",
  "function requestLoan(Order order, bytes32 dataCommitment, Consent consent) payable returns (uint256)",
  "function requestLoan(Order order, bytes32 dataCommitment, Consent consent, Attestation attestation) payable returns (uint256)",
  "error WrongValue(uint256 sentWei, uint256 expectedWei)",
  "error BelowMinimum(string name, uint256 value, uint256 minimum)",
  "error NoCollateral()",
  "error NobodyVouches(bytes32 dataCommitment)",
  "error NothingToVouchFor(bytes32 dataCommitment)",
  "error PassportRequired()",
  "error WrongFee(uint256 sentWei, uint256 expectedWei)",
  "error ZeroPrincipal()",
  "error ZeroDuration()",
  "error NotAFieldElement(uint256 value)",
  "error ConsentExpired(uint64 validUntil)",
  "error InvalidConsent(address user)",
  "error EnforcedPause()",
  "error IssuerUnknown(bytes32 issuer)",
  "error IssuerInactive(bytes32 issuer)",
  "error IssuerIsRevoked(bytes32 issuer, uint40 revokedAt)",
  "error IssuerNotAccepted(bytes32 issuer, bytes32 schema)",
  "error SchemaNotIssued(bytes32 issuer, bytes32 schema)",
  "error AttestationExpired(uint64 validUntil)",
  "error CommitmentIsRevoked(bytes32 issuer, bytes32 dataCommitment, uint40 revokedAt)",
  "error WrongSignatureLength(uint256 length, uint256 expected)",
  "error MalleableSignature(bytes32 issuer)",
  "error NotSignedByIssuer(bytes32 issuer, bytes32 digest)",
]);
