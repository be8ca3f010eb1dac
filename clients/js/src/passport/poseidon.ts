import { Field } from "@noble/curves/abstract/modular";
import { grainGenConstants, poseidon } from "@noble/curves/abstract/poseidon";

/** The order of BN254's scalar field, in which the circuit computes. */
export const FIELD_MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

// halo2's Poseidon at width 2, rate 1 with x^5, whose round constants come from Poseidon's own Grain generator.
const field = Field(FIELD_MODULUS);
const rounds = { Fp: field, t: 2, roundsFull: 8, roundsPartial: 56, sboxPower: 5 } as const;
// EZKL hashes with a variable length: the capacity starts at 2^64 whatever the length, and a rate of 1 needs no padding.
const CAPACITY = 1n << 64n;

let permutation: ReturnType<typeof poseidon> | null = null;

function permute(state: bigint[]): bigint[] {
  permutation ??= poseidon({ ...rounds, ...grainGenConstants(rounds) });
  return permutation(state);
}

/** The hash of field elements as EZKL's circuits compute it; throws RangeError for none, or one that is no element. */
export function poseidonHash(elements: readonly bigint[]): bigint {
  if (elements.length === 0) throw new RangeError("nothing to hash: expected one field element or more");
  let [rate, capacity] = [0n, CAPACITY];
  for (const [index, element] of elements.entries()) {
    if (element < 0n || element >= FIELD_MODULUS)
      throw new RangeError(`element ${index} is ${element}: expected 0 or more, and less than the field's order`);
    [rate, capacity] = permute([field.add(rate, element), capacity]) as [bigint, bigint];
  }
  return rate;
}
