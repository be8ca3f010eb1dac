import type { Hex } from "viem";
import { hexToBytes } from "viem";
import { CATEGORIES, type Scores } from "./types.js";

const OUTPUTS = 10;
const BASIS_POINTS = 10_000n;
const LONGEST_DAYS = 365n;

/**
 * What a circuit's signed fixed-point outputs say, rounded down and clamped to the full scale, as the contract decodes
 * them. `scales` has one byte an output, as the registry holds them: value = output / 2 ** scale. The category is the
 * largest of the three margins; a tie goes to the riskier one.
 */
export function decodeOutputs(outputs: readonly bigint[], scales: Hex): Scores {
  if (outputs.length !== OUTPUTS) throw new RangeError(`expected ${OUTPUTS} outputs, got ${outputs.length}`);
  const bits = Array.from(hexToBytes(scales).slice(0, OUTPUTS), BigInt);
  const at = (list: readonly bigint[], index: number): bigint => list[index] ?? 0n;
  const fraction = (index: number, full: bigint): number => {
    const value = (at(outputs, index) * full) >> at(bits, index);
    return Number(value < 0n ? 0n : value > full ? full : value);
  };
  // Margins can differ in scale: compare them at the largest.
  const widest = bits.slice(0, 3).reduce((most, one) => (one > most ? one : most), 0n);
  let category = 0;
  let largest: bigint | undefined;
  for (let index = 0; index < 3; index++) {
    const margin = at(outputs, index) << (widest - at(bits, index));
    if (largest === undefined || margin >= largest) [category, largest] = [index, margin];
  }
  return {
    category: CATEGORIES[category]!,
    score: fraction(3, BASIS_POINTS),
    probabilityOfDefault: fraction(4, BASIS_POINTS),
    fraudLikelihood: fraction(5, BASIS_POINTS),
    interestRate: fraction(6, BASIS_POINTS),
    durationDays: fraction(7, LONGEST_DAYS),
    maximumLtv: fraction(8, BASIS_POINTS),
    confidence: fraction(9, BASIS_POINTS),
  };
}

/** Scores as the contract logs and stores them. */
export function storedScores(stored: Omit<Scores, "category"> & { category: number }): Scores {
  const category = CATEGORIES[stored.category];
  if (category === undefined) throw new RangeError(`there is no category ${stored.category}`);
  const { score, probabilityOfDefault, fraudLikelihood, interestRate, durationDays, maximumLtv, confidence } = stored;
  return { category, score, probabilityOfDefault, fraudLikelihood, interestRate, durationDays, maximumLtv, confidence };
}

/** The names of the scores in which two differ. */
export function differing(one: Scores, other: Scores): string[] {
  return (Object.keys(one) as (keyof Scores)[]).filter((name) => one[name] !== other[name]);
}
