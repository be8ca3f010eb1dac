import type { Address, Hex } from "viem";

const APPLICATION = [
  { name: "panel", type: "uint32" },
  { name: "applicant", type: "address" },
  { name: "request", type: "bytes32" },
  { name: "modelHash", type: "bytes32" },
  { name: "dataCommitment", type: "bytes32" },
] as const;

const DECISION = [
  { name: "panel", type: "uint32" },
  { name: "applicant", type: "address" },
  { name: "request", type: "bytes32" },
  { name: "modelHash", type: "bytes32" },
  { name: "applicantInput", type: "bytes32" },
  { name: "bankInput", type: "bytes32" },
  { name: "agencyInput", type: "bytes32" },
  { name: "evaluationKey", type: "bytes32" },
  { name: "output", type: "bytes32" },
  { name: "dataCommitment", type: "bytes32" },
  { name: "approved", type: "bool" },
  { name: "yearsBin", type: "uint8" },
  { name: "decidedAt", type: "uint64" },
  { name: "validUntil", type: "uint64" },
] as const;

const REVOCATION = [
  { name: "panel", type: "uint32" },
  { name: "request", type: "bytes32" },
] as const;

/** What an applicant agrees to before anything is opened: whatever is decided on this request may be recorded. */
export type ApprovalApplication = {
  panel: number;
  applicant: Address;
  request: Hex;
  modelHash: Hex;
  dataCommitment: Hex;
};

/** What applicant, bank and agency sign; times in Unix seconds, hashes as the registry's documentation says. */
export type ApprovalDecision = ApprovalApplication & {
  applicantInput: Hex;
  bankInput: Hex;
  agencyInput: Hex;
  evaluationKey: Hex;
  output: Hex;
  approved: boolean;
  yearsBin: number;
  decidedAt: bigint;
  validUntil: bigint;
};

/** The EIP-712 domain of one registry of approvals on one chain. */
export function approvalDomain(chainId: number, registry: Address) {
  return {
    name: "AI Risk Oracle Approvals",
    version: "1",
    chainId,
    verifyingContract: registry,
  } as const;
}

/** The typed data by which an applicant agrees, before anything is opened, that what is decided may be recorded. */
export function applicationTypedData(chainId: number, registry: Address, application: ApprovalApplication) {
  return {
    domain: approvalDomain(chainId, registry),
    types: { Application: APPLICATION },
    primaryType: "Application",
    message: application,
  } as const;
}

/** The typed data of a decision, which all three sign; of a denial the applicant's application is enough. */
export function decisionTypedData(chainId: number, registry: Address, decision: ApprovalDecision) {
  return {
    domain: approvalDomain(chainId, registry),
    types: { Decision: DECISION },
    primaryType: "Decision",
    message: decision,
  } as const;
}

/** The typed data by which a panel's bank or agency takes a request's decision back. */
export function revocationTypedData(chainId: number, registry: Address, revocation: { panel: number; request: Hex }) {
  return {
    domain: approvalDomain(chainId, registry),
    types: { Revocation: REVOCATION },
    primaryType: "Revocation",
    message: revocation,
  } as const;
}
