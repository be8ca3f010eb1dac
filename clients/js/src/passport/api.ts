import type { Hex } from "viem";
import { ApiRefused, sendJson } from "../http.js";
import type { Opening } from "./opening.js";
import { base64Url, seal, type Destination } from "./sealing.js";

/** What a daemon seals by, and which schemas it takes. */
export type SealingKey = { sealing_key: Hex; schemas: { id: string; hash: Hex }[] };

/** What a daemon collected for a request, and what it still wants; `deadline` in Unix seconds. */
export type RequestFeatures = {
  request_id: string;
  state: string;
  block_number: number | string;
  block_hash: Hex;
  model_id: Hex;
  encoded: number[];
  values: Record<string, string | null>;
  feature_commitment: string;
  data_commitment: string;
  deadline: number;
  wants: "nothing" | "opening_or_proof";
};

export type Received = { request_id: string; state: string };

/** A file that proving on the borrower's own machine takes. */
export type ModelKeys = { model_id: Hex; files: { name: string; bytes: number; sha256: Hex; url: string }[] };

/** The part of a daemon's API that needs no key: what is handed in proves itself by the request's commitment. */
export class PassportApi {
  /** `url`: the daemon's address, without /v1. */
  constructor(
    readonly url: string,
    private readonly tries = 5,
  ) {}

  /** The daemon's sealing key; ApiRefused (404) where it takes no openings. */
  async key(): Promise<SealingKey> {
    return this.send<SealingKey>("GET", "/passports/key");
  }

  /** What was collected for a request; null while it is not collected yet. */
  async features(requestId: bigint): Promise<RequestFeatures | null> {
    try {
      return await this.send<RequestFeatures>("GET", `/requests/${requestId}/features`);
    } catch (error) {
      // A request that was mined just now is not known at once.
      if (error instanceof ApiRefused && (error.status === 409 || error.status === 404)) return null;
      throw error;
    }
  }

  /** Seal an opening to the daemon's key and hand it in; ApiRefused (422) says which check failed, and it may be tried again. */
  async open(opening: Opening, destination: Destination): Promise<Received> {
    const { sealing_key } = await this.key();
    const sealed = base64Url(await seal(opening, destination, sealing_key));
    return this.send<Received>("POST", `/passports/${destination.requestId}/opening`, { sealed });
  }

  /** Hand in a proof that was made elsewhere, with its ten outputs; ApiRefused (422) says which check failed. */
  async prove(requestId: bigint, proof: Hex, outputs: readonly bigint[]): Promise<Received> {
    const sent = { proof, outputs: outputs.map(String) };
    return this.send<Received>("POST", `/passports/${requestId}/proof`, sent);
  }

  /** What proving on a machine of one's own takes, each file with its hash. */
  async keys(modelId: Hex): Promise<ModelKeys> {
    return this.send<ModelKeys>("GET", `/models/${modelId}/keys`);
  }

  private async send<T>(method: string, path: string, sent?: object): Promise<T> {
    return sendJson<T>(this.url, { method, path, sent, tries: this.tries });
  }
}
