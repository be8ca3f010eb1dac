// Hashes the typed data of decisions that the Python side made (a JSON file), and says what it found.
import { readFileSync } from "node:fs";
import { hashTypedData } from "viem";
import { applicationTypedData, decisionTypedData, revocationTypedData } from "@risk-oracle/client";

const { chainId, registry, decision } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const known = {
  ...decision,
  decidedAt: BigInt(decision.decidedAt),
  validUntil: BigInt(decision.validUntil),
};
const { panel, applicant, request, modelHash, dataCommitment } = known;
const digests = [
  decisionTypedData(chainId, registry, known),
  applicationTypedData(chainId, registry, {
    panel,
    applicant,
    request,
    modelHash,
    dataCommitment,
  }),
  revocationTypedData(chainId, registry, { panel, request }),
].map(hashTypedData);
console.log(JSON.stringify(digests));
