import { Decimal } from "decimal.js";
import { ENCODED_ONE, type Row } from "./table.js";

// As oracle/assessment/features.py: every step is rounded to 40 digits, half to even.
const Exact = Decimal.clone({ precision: 40, rounding: Decimal.ROUND_HALF_EVEN });
// The library's logarithm is rounded right only almost always: with ten digits more, the first forty of them are.
const Wide = Decimal.clone({ precision: 50, rounding: Decimal.ROUND_HALF_EVEN });

const wholes = new Map<string, Decimal>();

/** The integer 0 to 1024 of an exact decimal inside the row's range. */
export function encode(row: Row, value: string): number {
  const whole = wholes.get(row.name) ?? spread(row, row.high);
  wholes.set(row.name, whole);
  const position = spread(row, value).div(whole);
  return position.times(ENCODED_ONE).toDecimalPlaces(0, Decimal.ROUND_HALF_EVEN).toNumber();
}

/** Whether an exact decimal lies inside the row's range, ends included. */
export function inRange(row: Pick<Row, "low" | "high">, value: string): boolean {
  const found = new Exact(value);
  return found.gte(row.low) && found.lte(row.high);
}

function spread(row: Row, value: string): Decimal {
  const distance = new Exact(value).minus(row.low);
  if (row.logUnit === null) return distance;
  const logarithm = Wide.log10(distance.div(row.logUnit).plus(1)).toSignificantDigits(40, Decimal.ROUND_HALF_EVEN);
  return new Exact(logarithm);
}
