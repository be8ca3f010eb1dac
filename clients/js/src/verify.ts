import type { Address, Hex, PublicClient } from "viem";
import { BaseError, ContractFunctionRevertedError, ContractFunctionZeroDataError } from "viem";
import { decodeFunctionData, hexToBigInt, isAddressEqual, keccak256, parseAbi, recoverTypedDataAddress } from "viem";
import { modelRegistryAbi, riskOracleAbi } from "./abi.js";
import { reportTypedData, requestHash } from "./messages.js";
import { decodeOutputs, differing, storedScores } from "./scores.js";
import type { Answer, AssessmentRequest, Claim, Scores, Verdict } from "./types.js";

const FIELD_MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const VERIFIER_ABI = parseAbi(["function verifyProof(bytes proof, uint256[] instances) view returns (bool)"]);
const PROPOSED = 1;

/** There is nothing to check: no such request, or no answer of it that can be read. */
export class NothingToVerify extends Error {}

export type VerifyOptions = {
  /** The block to search the request from; the oracle's first one spares calls. */
  startBlock?: bigint;
  /** Most blocks asked for at once (2,000). */
  logRange?: bigint;
  /** Calldata of `provideAssessment`, of an answer that is not on the chain yet; absent: the answer that is. */
  calldata?: Hex;
};

/**
 * Check an answer as a stranger, with an RPC endpoint alone: the request as logged, the block, the signatures against
 * the signers of that time, the model's verifier, the proof by `eth_call`, and the scores that the outputs decode to.
 * The features themselves are what `risk-oracle verify` recomputes.
 */
export async function verify(
  client: PublicClient,
  oracle: Address,
  requestId: bigint,
  options: VerifyOptions = {},
): Promise<Verdict> {
  const request = await loggedRequest(client, oracle, requestId, options);
  const chain = await answerOnChain(client, oracle, request, options);
  const calldata = options.calldata ?? chain?.calldata;
  if (calldata === undefined) throw new NothingToVerify(`request ${requestId} has no answer on the chain`);
  const { handedHash, answer } = answerIn(calldata, requestId);
  const claims: Claim[] = [];
  const claim = (name: Claim["name"], holds: boolean, text: string) => claims.push({ name, holds, text });

  claim(
    "request",
    handedHash === requestHash(request),
    `what was handed in is request ${requestId} of ${request.user}`,
  );
  const { report } = answer;
  const sameBlock = report.blockNumber === request.blockNumber && report.blockHash === request.blockHash;
  claim("block", sameBlock, `the report is of block ${report.blockNumber}, it was asked in ${request.blockNumber}`);
  const signed = await signatures(client, oracle, request, answer, chain?.blockNumber);
  claim("signatures", signed.holds, signed.text);

  const registry = await client.readContract({ address: oracle, abi: riskOracleAbi, functionName: "registry" });
  const model = await client.readContract({
    address: registry,
    abi: modelRegistryAbi,
    functionName: "model",
    args: [report.modelId],
  });
  if (model.state <= PROPOSED) {
    for (const name of ["model", "proof", "scores"] as const) claim(name, false, `nobody activated ${report.modelId}`);
    return { holds: false, claims, scores: null };
  }
  const code = await client.getCode({ address: model.spec.verifier });
  const registered = code !== undefined && keccak256(code) === model.spec.verifierCodeHash;
  claim("model", registered, `its verifier ${model.spec.verifier} has ${registered ? "the registered" : "other"} code`);

  const instances = [
    report.featureCommitment,
    hexToBigInt(request.dataCommitment),
    ...report.outputs.map((one) => ((one % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS),
  ];
  const taken = await takesProof(client, model.spec.verifier, answer.proof, instances);
  claim("proof", taken, `the verifier ${taken ? "takes" : "refuses"} the proof for these commitments and outputs`);

  let scores: Scores | null = null;
  try {
    scores = decodeOutputs(report.outputs, model.spec.outputScales);
    const others = chain === undefined ? [] : differing(scores, chain.scores);
    const logged = chain === undefined ? "not on the chain yet" : "as the contract logged";
    claim(
      "scores",
      others.length === 0,
      others.length === 0 ? logged : `the contract logged another ${others.join(", ")}`,
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    claim("scores", false, error.message);
  }
  const holds = claims.every((one) => one.holds);
  return { holds, claims, scores: holds ? scores : null };
}

async function loggedRequest(
  client: PublicClient,
  oracle: Address,
  requestId: bigint,
  { startBlock = 0n, logRange = 2_000n }: VerifyOptions,
): Promise<AssessmentRequest> {
  const head = await client.getBlockNumber();
  for (let from = startBlock; from <= head; from += logRange) {
    const [log] = await client.getContractEvents({
      address: oracle,
      abi: riskOracleAbi,
      eventName: "AssessmentRequested",
      args: { requestId },
      fromBlock: from,
      toBlock: least(from + logRange - 1n, head),
      strict: true,
    });
    if (log !== undefined) return { ...log.args, blockHash: log.blockHash };
  }
  throw new NothingToVerify(`oracle ${oracle} logged no request ${requestId} in blocks ${startBlock} to ${head}`);
}

type OnChain = { calldata: Hex; blockNumber: bigint; scores: Scores };

async function answerOnChain(
  client: PublicClient,
  oracle: Address,
  request: AssessmentRequest,
  { logRange = 2_000n }: VerifyOptions,
): Promise<OnChain | undefined> {
  const head = await client.getBlockNumber();
  const state = await client.readContract({
    address: oracle,
    abi: riskOracleAbi,
    functionName: "stateOf",
    args: [request.requestId],
  });
  if (state !== 2) return undefined;
  for (let from = request.blockNumber; from <= head; from += logRange) {
    const [log] = await client.getContractEvents({
      address: oracle,
      abi: riskOracleAbi,
      eventName: "AssessmentProvided",
      args: { requestId: request.requestId },
      fromBlock: from,
      toBlock: least(from + logRange - 1n, head),
      strict: true,
    });
    if (log !== undefined) {
      const { input } = await client.getTransaction({ hash: log.transactionHash });
      return { calldata: input, blockNumber: log.blockNumber, scores: storedScores(log.args.assessment) };
    }
  }
  throw new NothingToVerify(`request ${request.requestId} is answered, but the endpoint has no log of it`);
}

function answerIn(calldata: Hex, requestId: bigint): { handedHash: Hex; answer: Answer } {
  const call = decodeFunctionData({ abi: riskOracleAbi, data: calldata });
  if (call.functionName === "provideAssessment") {
    const [request, report, signatures, proof] = call.args;
    if (report.requestId === requestId)
      return { handedHash: requestHash(request), answer: { report, signatures, proof } };
  }
  if (call.functionName === "provideAssessments") {
    const one = call.args[0].find(({ report }) => report.requestId === requestId);
    if (one !== undefined) return { handedHash: requestHash(one.request), answer: one };
  }
  if (call.functionName === "provideBatch" && call.args[1].requestIds.includes(requestId))
    throw new NothingToVerify(
      `request ${requestId} is answered by an open statement: \`risk-oracle verify\` checks those`,
    );
  throw new NothingToVerify(`the call hands in no answer of request ${requestId}`);
}

async function signatures(
  client: PublicClient,
  oracle: Address,
  request: AssessmentRequest,
  answer: Answer,
  answeredAt: bigint | undefined,
): Promise<{ holds: boolean; text: string }> {
  const at = answeredAt === undefined ? {} : { blockNumber: answeredAt };
  const contract = { address: oracle, abi: riskOracleAbi, ...at } as const;
  const [registered, threshold, digest, chainId] = await Promise.all([
    client.readContract({ ...contract, functionName: "signers" }),
    client.readContract({ ...contract, functionName: "threshold" }),
    client.readContract({ ...contract, functionName: "signerSetDigest" }),
    client.getChainId(),
  ]);
  const data = reportTypedData(chainId, oracle, request, answer.report, digest);
  const signed = new Set<Address>();
  for (const signature of answer.signatures) {
    let signer: Address;
    try {
      signer = await recoverTypedDataAddress({ ...data, signature });
    } catch (error) {
      return { holds: false, text: `a signature is none: ${error instanceof Error ? error.message : String(error)}` };
    }
    if (!registered.some((one) => isAddressEqual(one, signer)))
      return { holds: false, text: `${signer}, who was no signer, signed, or another report` };
    signed.add(signer);
  }
  const text = `${signed.size} of ${registered.length} signers signed, ${threshold} must`;
  return { holds: signed.size >= threshold, text };
}

async function takesProof(client: PublicClient, verifier: Address, proof: Hex, instances: bigint[]): Promise<boolean> {
  try {
    return await client.readContract({
      address: verifier,
      abi: VERIFIER_ABI,
      functionName: "verifyProof",
      args: [proof, instances],
    });
  } catch (error) {
    const refused = (cause: unknown) =>
      cause instanceof ContractFunctionRevertedError || cause instanceof ContractFunctionZeroDataError;
    if (error instanceof BaseError && error.walk(refused) !== null) return false; // how a generated verifier refuses
    throw error;
  }
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
