import { Decimal } from "decimal.js";
import { ENCODED_ONE, type Range } from "./fields.js";

// As oracle/assessment/features.py: every step is rounded to 40 digits, half to even.
const Exact = Decimal.clone({ precision: 40, rounding: Decimal.ROUND_HALF_EVEN });
// The library's logarithm is rounded right only almost always: with ten digits more, the first forty of them are.
const Wide = Decimal.clone({ precision: 50, rounding: Decimal.ROUND_HALF_EVEN });
const wholes = new Map<string, Decimal>();

/** The integer 0 to 1024 of an exact decimal inside a range. */
export function encode(range: Range, value: string): number {
  const key = `${range.low} ${range.high} ${range.logUnit}`;
  const whole = wholes.get(key) ?? spread(range, range.high);
  wholes.set(key, whole);
  const position = spread(range, value).div(whole);
  return position.times(ENCODED_ONE).toDecimalPlaces(0, Decimal.ROUND_HALF_EVEN).toNumber();
}

/** Whether an exact decimal lies inside a range, ends included. */
export function inRange(range: Range, value: string): boolean {
  const found = new Exact(value);
  return found.gte(range.low) && found.lte(range.high);
}

/** Whether an exact decimal is whole. */
export function isWhole(value: string): boolean {
  return new Exact(value).isInteger();
}

/** Whether a JSON reader that takes numbers for doubles reads the same decimal. */
export function isCarried(value: string): boolean {
  return new Exact(value).equals(String(Number(value)));
}

function spread(range: Range, value: string): Decimal {
  const distance = new Exact(value).minus(range.low);
  if (range.logUnit === null) return distance;
  const logarithm = Wide.log10(distance.div(range.logUnit).plus(1)).toSignificantDigits(40, Decimal.ROUND_HALF_EVEN);
  return new Exact(logarithm);
}
