import sodium from "libsodium-wrappers";
import type { Address, Hex } from "viem";
import { hexToBytes } from "viem";
import type { Opening } from "./opening.js";

const PLAINTEXT_BYTES = 512;

/** Where an opening is meant for: another request of another oracle refuses it. */
export type Destination = { chainId: number; oracle: Address; requestId: bigint };

/**
 * Seal an opening to a daemon's X25519 key (libsodium's `crypto_box_seal`), so that no proxy or log on its way can read it;
 * throws TypeError for a key that is none.
 */
export async function seal(opening: Opening, to: Destination, publicKey: Hex): Promise<Uint8Array> {
  if (!/^0x[0-9a-fA-F]{64}$/.test(publicKey)) throw new TypeError("sealing key: expected 0x and 64 hex digits");
  await sodium.ready;
  // Canonical JSON: sorted by name, without spaces.
  const plain = JSON.stringify({
    chain_id: to.chainId,
    encoded: opening.encoded,
    oracle: to.oracle.toLowerCase(),
    request_id: to.requestId.toString(),
    salt: opening.salt,
    v: 1,
  });
  // The sealed one's length would tell of its digits.
  return sodium.crypto_box_seal(plain.padEnd(PLAINTEXT_BYTES), hexToBytes(publicKey));
}

/** Bytes as the API takes them: base64url without padding. */
export function base64Url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
