import type { Address, Hex } from "viem";
import { sendJson } from "./http.js";

/** Integers that may pass 2 ** 53 are texts of decimal digits: `BigInt(text)` is exact. */
export type ApiLoan = {
  borrower: Address;
  loanAmount: bigint;
  loanDays: number;
  collateral: bigint;
  loanToken?: Address;
  collateralToken?: Address;
};

/** What the model says: score 0 to 100, higher is safer; probabilities and confidence in percent. */
export type ApiAssessment = {
  risk_category: "low" | "medium" | "high";
  risk_score: number;
  default_probability: number;
  fraud_likelihood: number;
  confidence: number;
  recommended_terms: { interest_rate: number; duration_days: number; max_ltv: number };
};

export type Preview = {
  address: Address;
  block: { number: number; hash: Hex };
  model_id: Hex;
  assessment: ApiAssessment;
  thin: boolean;
};

export type CallToSend = {
  chain_id: number;
  to: Address;
  sender: Address;
  value_wei: string;
  calldata: Hex | null;
  data_commitment: string;
  consent_typed_data: Record<string, unknown> | null;
  transaction_hash: Hex | null;
};

export type SignedAnswer = {
  request_id: string;
  state: string;
  submittable: boolean;
  to: Address;
  calldata: Hex;
  signatures: Hex[];
  proof: Hex;
  model_id: Hex;
  assessment: ApiAssessment;
};

export type RequestStanding = {
  request_id: string;
  state: string;
  user: Address;
  requester: Address;
  assessment: ApiAssessment | null;
  decline_reason: string | null;
};

export type ApiVerdict = { holds: boolean | null; claims: { name: string; holds: boolean | null; text: string }[] };

/** The HTTP API of one daemon. What passes (429, 503) is tried again, a few times, when the server says so. */
export class RiskOracleApi {
  constructor(
    readonly url: string,
    private readonly key: string,
    private readonly tries = 5,
  ) {}

  /** What the model would say now: neither signed nor proven. */
  async preview(loan: ApiLoan): Promise<Preview> {
    return this.assess<Preview>({ mode: "preview", ...body(loan) });
  }

  /** The call that asks on the chain: the borrower's own, or that of `requester` with the borrower's consent. */
  async call(
    loan: ApiLoan,
    options: { requester?: Address; consent?: { validUntil: bigint; signature: Hex }; submit?: boolean } = {},
  ): Promise<CallToSend> {
    const consent = options.consent && {
      valid_until: Number(options.consent.validUntil),
      signature: options.consent.signature,
    };
    return this.assess<CallToSend>({
      mode: "onchain",
      ...body(loan),
      ...(options.requester && { requester: options.requester }),
      ...(options.submit && { submit: true }),
      ...(consent && { consent }),
    });
  }

  /** The signed answer of a request; ApiRefused (409) while or where there is none. */
  async signed(requestId: bigint): Promise<SignedAnswer> {
    return this.assess<SignedAnswer>({ mode: "signed", request_id: requestId.toString() });
  }

  /** Where a request stands. */
  async request(requestId: bigint): Promise<RequestStanding> {
    return this.send<RequestStanding>("GET", `/requests/${requestId}`);
  }

  /** The proof of an answer with all that it takes to check it, as `verify` takes it. */
  async proof(requestId: bigint): Promise<Record<string, unknown>> {
    return this.send<Record<string, unknown>>("GET", `/requests/${requestId}/proof`);
  }

  /** What the daemon finds of an answer that the API gave; who need not believe the operator uses `verify`. */
  async verify(document: object, { features = false } = {}): Promise<ApiVerdict> {
    return this.send<ApiVerdict>("POST", `/verify?features=${features}`, document);
  }

  private async assess<T>(sent: object): Promise<T> {
    return this.send<T>("POST", "/oracle/assess", sent);
  }

  private async send<T>(method: string, path: string, sent?: object): Promise<T> {
    // Made again with the same key, a call that was answered already does nothing twice.
    const headers = {
      Authorization: `Bearer ${this.key}`,
      ...(sent && { "Idempotency-Key": crypto.randomUUID() }),
    };
    return sendJson<T>(this.url, { method, path, sent, headers, tries: this.tries });
  }
}

function body(loan: ApiLoan): Record<string, unknown> {
  return {
    user_address: loan.borrower,
    loan_amount: loan.loanAmount.toString(),
    loan_duration: loan.loanDays,
    collateral: loan.collateral.toString(),
    ...(loan.loanToken && { loan_token: loan.loanToken }),
    ...(loan.collateralToken && { collateral_token: loan.collateralToken }),
  };
}
