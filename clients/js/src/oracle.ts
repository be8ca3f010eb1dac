import type { Account, Address, Chain, Hash, Hex, PublicClient, Transport, WalletClient } from "viem";
import { parseEventLogs } from "viem";
import { riskOracleAbi } from "./abi.js";
import { consentTypedData } from "./messages.js";
import { storedScores } from "./scores.js";
import { DECLINE_REASONS, STATES, type Consent, type LoanTerms, type Outcome } from "./types.js";

export type Wallet = WalletClient<Transport, Chain | undefined, Account>;

export type WaitOptions = { seconds?: number; everySeconds?: number; signal?: AbortSignal };

/** A request had no outcome in time; it may still get one. */
export class NotYet extends Error {}

/** One oracle contract, asked and read by an RPC endpoint of your own. */
export class RiskOracle {
  constructor(
    readonly client: PublicClient,
    readonly address: Address,
  ) {}

  /** The fee of a request in wei: to be sent exactly; it changes once an hour at most. */
  async fee(): Promise<bigint> {
    return this.client.readContract({ ...this.contract, functionName: "fee" });
  }

  /** The commitment that a request without private data carries. */
  async neutralCommitment(): Promise<Hex> {
    return this.client.readContract({ ...this.contract, functionName: "neutralCommitment" });
  }

  /** The typed data that `borrower` signs so that `requester` may ask about exactly this loan, once. */
  async consentData(consent: {
    borrower: Address;
    requester: Address;
    terms: LoanTerms;
    seconds?: number;
    dataCommitment?: Hex;
  }) {
    const [chainId, nonce, neutral, head] = await Promise.all([
      this.client.getChainId(),
      this.client.readContract({ ...this.contract, functionName: "nonces", args: [consent.borrower] }),
      consent.dataCommitment ?? this.neutralCommitment(),
      this.client.getBlock({ blockTag: "latest" }),
    ]);
    const { borrower: user, requester, terms } = consent;
    const validUntil = head.timestamp + BigInt(consent.seconds ?? 3_600);
    return consentTypedData(chainId, this.address, {
      user,
      requester,
      terms,
      dataCommitment: neutral,
      nonce,
      validUntil,
    });
  }

  /** Have the borrower's wallet sign the consent to a request by `requester`. */
  async consent(
    borrower: Wallet,
    requester: Address,
    terms: LoanTerms,
    options: { seconds?: number; dataCommitment?: Hex } = {},
  ): Promise<Consent> {
    const data = await this.consentData({ borrower: borrower.account.address, requester, terms, ...options });
    return { validUntil: data.message.validUntil, signature: await borrower.signTypedData(data) };
  }

  /**
   * Ask about the wallet's own loan, or with `borrower` and their `consent` about theirs; pays the fee, and returns the
   * request's id once the transaction is mined. What the contract would refuse is an error before anything is sent.
   */
  async ask(
    wallet: Wallet,
    terms: LoanTerms,
    options: { borrower?: Address; consent?: Consent; dataCommitment?: Hex } = {},
  ): Promise<bigint> {
    const [value, neutral] = await Promise.all([this.fee(), options.dataCommitment ?? this.neutralCommitment()]);
    const sent = { ...this.contract, account: wallet.account, value } as const;
    let hash: Hash;
    if (options.borrower === undefined) {
      const { request } = await this.client.simulateContract({
        ...sent,
        functionName: "requestAssessment",
        args: [terms, neutral],
      });
      hash = await wallet.writeContract({ ...request, chain: wallet.chain ?? null });
    } else {
      if (options.consent === undefined) throw new TypeError("consent: the borrower's is needed to ask about them");
      const { request } = await this.client.simulateContract({
        ...sent,
        functionName: "requestAssessmentFor",
        args: [options.borrower, terms, neutral, options.consent],
      });
      hash = await wallet.writeContract({ ...request, chain: wallet.chain ?? null });
    }
    return this.requestIn(hash);
  }

  /** The id of the request that a transaction made, once it is mined. */
  async requestIn(transaction: Hash): Promise<bigint> {
    const receipt = await this.client.waitForTransactionReceipt({ hash: transaction });
    if (receipt.status !== "success") throw new Error(`transaction ${transaction} reverted: nothing was asked`);
    const ours = receipt.logs.filter((log) => log.address.toLowerCase() === this.address.toLowerCase());
    const [log] = parseEventLogs({ abi: riskOracleAbi, logs: ours, eventName: "AssessmentRequested" });
    if (log === undefined) throw new Error(`transaction ${transaction} asked nothing of ${this.address}`);
    return log.args.requestId;
  }

  /** What became of a request until now. */
  async read(requestId: bigint): Promise<Outcome> {
    const args = [requestId] as const;
    const state = STATES[await this.client.readContract({ ...this.contract, functionName: "stateOf", args })];
    switch (state) {
      case "answered": {
        const found = await this.client.readContract({ ...this.contract, functionName: "assessmentOf", args });
        const [issuedAt, expiresAt] = [new Date(found.issuedAt * 1_000), new Date(found.expiresAt * 1_000)];
        return { state, scores: storedScores(found), issuedAt, expiresAt };
      }
      case "declined": {
        const [reason] = await this.client.readContract({ ...this.contract, functionName: "declineOf", args });
        return { state, reason: DECLINE_REASONS[reason] ?? "none" };
      }
      case undefined:
        throw new Error(`request ${requestId} is in a state that this release does not know`);
      default:
        return { state };
    }
  }

  /** The outcome of a request once it has one; throws NotYet after `seconds` (300), or what `signal` was aborted with. */
  async wait(requestId: bigint, { seconds = 300, everySeconds = 1, signal }: WaitOptions = {}): Promise<Outcome> {
    const until = Date.now() + seconds * 1_000;
    for (;;) {
      signal?.throwIfAborted();
      const found = await this.read(requestId);
      if (found.state !== "pending" && found.state !== "none") return found;
      if (Date.now() >= until) throw new NotYet(`request ${requestId} is ${found.state} after ${seconds} s`);
      await new Promise((resolve) => setTimeout(resolve, everySeconds * 1_000));
    }
  }

  private get contract() {
    return { address: this.address, abi: riskOracleAbi } as const;
  }
}
