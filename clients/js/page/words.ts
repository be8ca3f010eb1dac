import { BaseError, ContractFunctionRevertedError, formatEther } from "viem";
import { ApiRefused } from "../src/http.js";
import { InvalidOpening, InvalidPassport } from "../src/passport/index.js";

/** Something that the person at the page can mend; the text says how. `field` is the id of the input that it is about. */
export class Said extends Error {
  constructor(
    text: string,
    readonly field: string | null = null,
  ) {
    super(text);
  }
}

const REVERTS: Readonly<Record<string, string>> = {
  WrongFee: "The oracle's fee changed in this moment. Nothing was asked; press again to ask at the new fee.",
  WrongValue: "The oracle's fee changed in this moment. Nothing was asked; press again to ask at the new fee.",
  InvalidConsent: "The signature is not the consent of the connected account. Nothing was asked; press again and sign with it.",
  ConsentExpired: "The consent ran out before it was used. Nothing was asked; press again and sign anew.",
  ZeroPrincipal: "The amount is zero: ask for more than nothing.",
  ZeroDuration: "The duration is zero: ask for a day or more.",
  NoCollateral: "This lender lends against collateral only: offer some.",
  NobodyVouches:
    "This lender takes private data only with the attestation of an issuer that it accepts: paste one, and load the opening that it was issued for.",
  NothingToVouchFor: "The attestation is about private data, and this request has none: leave it out.",
  PassportRequired: "This lender lends only on private data that an issuer vouches for.",
  EnforcedPause: "The oracle takes no new requests at the moment: try again later.",
  NotAFieldElement: "The commitment is no element of the field: load the page again and commit anew.",
  IssuerUnknown: "The attestation's issuer is not in this chain's registry: ask one that the lender accepts.",
  IssuerInactive: "The attestation's issuer is suspended: ask another one, or wait.",
  IssuerIsRevoked: "The attestation's issuer was revoked: ask another one.",
  IssuerNotAccepted: "The lender does not accept this issuer, or not for this schema: ask one that it accepts.",
  SchemaNotIssued: "The issuer may not vouch for this schema: ask one that may.",
  AttestationExpired: "The attestation ran out: ask its issuer for a new one.",
  CommitmentIsRevoked: "The issuer withdrew this attestation: ask it for a new one.",
  WrongSignatureLength: "The attestation is damaged: copy it again from the issuer's answer.",
  MalleableSignature: "The attestation is damaged: copy it again from the issuer's answer.",
  NotSignedByIssuer:
    "The attestation is not for this account and this commitment: load the opening that it was issued for, with the wallet that it was issued to.",
};

const CODES: Readonly<Record<number, string>> = {
  4001: "You refused it in your wallet. Nothing was sent.",
  4100: "Your wallet did not allow that: connect it again and unlock the account.",
  4200: "Your wallet cannot do that: use another one.",
  4900: "Your wallet is disconnected: open it, then connect again.",
  4901: "Your wallet is not connected to this chain: choose it there, then try again.",
  [-32002]: "Your wallet waits for you: open it and answer what it asks.",
};

/** What went wrong, for people. */
export function inWords(error: unknown): string {
  if (error instanceof Said || error instanceof InvalidPassport || error instanceof InvalidOpening) return error.message;
  if (error instanceof ApiRefused) return refused(error);
  const code = codeOf(error);
  if (code !== null && CODES[code] !== undefined) return CODES[code];
  if (error instanceof BaseError) {
    const reverted = error.walk((one) => one instanceof ContractFunctionRevertedError);
    if (reverted instanceof ContractFunctionRevertedError) return revert(reverted);
    if (/insufficient funds|exceeds the balance/i.test(`${error.details} ${error.message}`))
      return "The account has not enough coins for fee, collateral and gas: send it some, or offer less.";
    return `The wallet's chain refused it: ${error.shortMessage}`;
  }
  if (error instanceof TypeError) return "The oracle's API cannot be reached: look at your connection, then try again.";
  return error instanceof Error ? error.message : "Something failed that this page does not know: load it again.";
}

/** Coins with their digits. */
export function coins(wei: bigint): string {
  return `${formatEther(wei)} coins`;
}

function codeOf(error: unknown): number | null {
  for (let one: unknown = error; typeof one === "object" && one !== null; one = (one as { cause?: unknown }).cause) {
    const code = (one as { code?: unknown }).code;
    if (typeof code === "number" && CODES[code] !== undefined) return code;
  }
  return null;
}

function revert(reverted: ContractFunctionRevertedError): string {
  const name = reverted.data?.errorName ?? "";
  if (name === "BelowMinimum") {
    const [what, , minimum] = (reverted.data?.args ?? []) as readonly [string?, bigint?, bigint?];
    return `The lender takes no such small ${what ?? "loan"}: its least is ${minimum ?? "more"} (smallest units, or seconds).`;
  }
  return REVERTS[name] ?? `The contract refused it: ${name || reverted.shortMessage}.`;
}

function refused(error: ApiRefused): string {
  const fields = Object.values(error.fields);
  if (error.status === 429) return "Too many calls from your address: wait a minute, then try again.";
  return `The oracle did not take it: ${fields.length > 0 ? fields.join("; ") : (error.problem.detail ?? `HTTP ${error.status}`)}`;
}
