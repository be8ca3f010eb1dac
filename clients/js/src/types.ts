import type { Address, Hex } from "viem";

/** A loan: amounts in the token's smallest unit, the zero address for the chain's own coin, `duration` in seconds. */
export type LoanTerms = {
  principalToken: Address;
  principal: bigint;
  collateralToken: Address;
  collateral: bigint;
  duration: number;
};

/** The borrower's signature over `consentData`, and the last second (Unix) in which it counts. */
export type Consent = { validUntil: bigint; signature: Hex };

/** A request as the chain logged it. */
export type AssessmentRequest = {
  requestId: bigint;
  user: Address;
  requester: Address;
  terms: LoanTerms;
  dataCommitment: Hex;
  fee: bigint;
  requestedAt: bigint;
  deadline: bigint;
  blockNumber: bigint;
  blockHash: Hex;
};

export type Category = "low" | "medium" | "high";

/** What the model says, exactly as the contract stores it: basis points (10,000 = 100 %), a higher score is safer. */
export type Scores = {
  category: Category;
  score: number;
  probabilityOfDefault: number;
  fraudLikelihood: number;
  interestRate: number;
  durationDays: number;
  maximumLtv: number;
  confidence: number;
};

/** What became of a request. */
export type Outcome =
  | { state: "none" | "pending" | "cancelled" }
  | { state: "answered"; scores: Scores; issuedAt: Date; expiresAt: Date }
  | { state: "declined"; reason: DeclineReason };

export const STATES = ["none", "pending", "answered", "declined", "cancelled"] as const;
export const CATEGORIES: readonly Category[] = ["low", "medium", "high"];
export const DECLINE_REASONS = [
  "none",
  "history_unavailable",
  "unsupported_asset",
  "private_data_not_opened",
  "model_not_applicable",
  "operator_policy",
] as const;
export type DeclineReason = (typeof DECLINE_REASONS)[number];

/** What a request was answered with: the report, who signed it, and the proof. */
export type Answer = {
  report: {
    requestId: bigint;
    modelId: Hex;
    blockNumber: bigint;
    blockHash: Hex;
    featureCommitment: bigint;
    outputs: readonly bigint[];
  };
  signatures: readonly Hex[];
  proof: Hex;
};

export type ClaimName = "request" | "block" | "signatures" | "model" | "proof" | "scores";

/** One claim about an answer, and what was found. */
export type Claim = { name: ClaimName; holds: boolean; text: string };

/** Every claim; `holds` where each one does, and then `scores` are what the model gave. */
export type Verdict = { holds: boolean; claims: Claim[]; scores: Scores | null };
