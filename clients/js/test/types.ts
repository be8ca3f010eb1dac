// Compiled by the tests, never run: the types of the contract's calls come from its ABI, and a wrong one is an error.
import { createPublicClient, http } from "viem";
import {
  RiskOracle,
  approvalRegistryAbi,
  decisionTypedData,
  riskOracleAbi,
  verify,
  type ApprovalDecision,
  type Outcome,
} from "@risk-oracle/client";

const client = createPublicClient({ transport: http() });
const oracle = "0x0000000000000000000000000000000000000001";

export async function typed(): Promise<bigint> {
  const fee: bigint = await client.readContract({
    address: oracle,
    abi: riskOracleAbi,
    functionName: "fee",
  });
  const outcome: Outcome = await new RiskOracle(client, oracle).read(1n);
  // @ts-expect-error scores are there only once the request is answered
  outcome.scores.score;
  if (outcome.state === "answered") return BigInt(outcome.scores.score) + fee;
  // @ts-expect-error a request's id is a bigint
  await verify(client, oracle, 1);
  await client.readContract({
    address: oracle,
    abi: riskOracleAbi,
    // @ts-expect-error the contract has no such function
    functionName: "nothing",
  });
  return fee;
}

export async function approved(decision: ApprovalDecision): Promise<`0x${string}`> {
  const digest = await client.readContract({
    address: oracle,
    abi: approvalRegistryAbi,
    functionName: "decisionDigest",
    args: [decisionTypedData(1, oracle, decision).message],
  });
  // @ts-expect-error a decision's times are bigints
  decisionTypedData(1, oracle, { ...decision, decidedAt: 1 });
  return digest;
}
