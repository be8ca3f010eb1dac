import type { Address, Hex } from "viem";
import { encodeAbiParameters, encodePacked, getAbiItem, keccak256 } from "viem";
import { riskOracleAbi } from "./abi.js";
import type { Answer, AssessmentRequest, LoanTerms } from "./types.js";

const TERMS = [
  { name: "principalToken", type: "address" },
  { name: "principal", type: "uint128" },
  { name: "collateralToken", type: "address" },
  { name: "collateral", type: "uint128" },
  { name: "duration", type: "uint32" },
] as const;

const CONSENT_TYPES = {
  Consent: [
    { name: "user", type: "address" },
    { name: "requester", type: "address" },
    { name: "terms", type: "LoanTerms" },
    { name: "dataCommitment", type: "bytes32" },
    { name: "nonce", type: "uint256" },
    { name: "validUntil", type: "uint64" },
  ],
  LoanTerms: TERMS,
} as const;

const REPORT_TYPES = {
  Report: [
    { name: "requestId", type: "uint256" },
    { name: "user", type: "address" },
    { name: "requester", type: "address" },
    { name: "termsHash", type: "bytes32" },
    { name: "dataCommitment", type: "bytes32" },
    { name: "modelId", type: "bytes32" },
    { name: "blockNumber", type: "uint64" },
    { name: "blockHash", type: "bytes32" },
    { name: "featureCommitment", type: "uint256" },
    { name: "outputsHash", type: "bytes32" },
    { name: "signerSetDigest", type: "bytes32" },
  ],
} as const;

/** The EIP-712 domain of one oracle contract on one chain. */
export function domainOf(chainId: number, oracle: Address) {
  return { name: "AIRiskOracle", version: "1", chainId, verifyingContract: oracle } as const;
}

/** The typed data by which `user` lets `requester` ask about exactly this loan, until then and once. */
export function consentTypedData(
  chainId: number,
  oracle: Address,
  consent: {
    user: Address;
    requester: Address;
    terms: LoanTerms;
    dataCommitment: Hex;
    nonce: bigint;
    validUntil: bigint;
  },
) {
  return {
    domain: domainOf(chainId, oracle),
    types: CONSENT_TYPES,
    primaryType: "Consent",
    message: consent,
  } as const;
}

/** What the signers of an answer sign. */
export function reportTypedData(
  chainId: number,
  oracle: Address,
  request: AssessmentRequest,
  report: Answer["report"],
  signerSetDigest: Hex,
) {
  return {
    domain: domainOf(chainId, oracle),
    types: REPORT_TYPES,
    primaryType: "Report",
    message: {
      requestId: report.requestId,
      user: request.user,
      requester: request.requester,
      termsHash: keccak256(encodeAbiParameters([{ type: "tuple", components: TERMS }], [request.terms])),
      dataCommitment: request.dataCommitment,
      modelId: report.modelId,
      blockNumber: report.blockNumber,
      blockHash: report.blockHash,
      featureCommitment: report.featureCommitment,
      outputsHash: keccak256(encodePacked(["int256[]"], [report.outputs])),
      signerSetDigest,
    },
  } as const;
}

type Handed = Omit<AssessmentRequest, "requestId" | "blockHash">;

/** Keccak-256 of a request's encoding: what the contract keeps of it. */
export function requestHash(request: Handed): Hex {
  const [parameter] = getAbiItem({ abi: riskOracleAbi, name: "provideAssessment" }).inputs;
  return keccak256(encodeAbiParameters([parameter], [request]));
}
