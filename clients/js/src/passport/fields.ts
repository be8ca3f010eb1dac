import { passportSchema } from "./schema.js";

export type GroupName = "home" | "card";

/** How a value is spread over 0 to 1024 of its range; `logUnit` for a logarithm, null for a line. */
export type Range = { readonly low: string; readonly high: string; readonly logUnit: string | null };

/** One field of a group: what people read of it, its range in `unit`, and its place in the private tensor. */
export type Field = Range & {
  readonly group: GroupName;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly whole: boolean;
  readonly position: number;
  /** The place of the flag that tells the model whether the field is known, where it has one. */
  readonly statedPosition: number | null;
};

type Told = {
  title: string;
  description: string;
  unit: string;
  type: readonly string[];
  minimum: number;
  maximum: number;
  encoding: { position: number; scale: string; log_unit?: string; stated_position?: number };
};

export const GROUPS = ["home", "card"] as const;

/** The schema's name, in a passport's file. */
export const SCHEMA = passportSchema.$id;

/** The encoded integer of the upper end of a range; the lower end is 0. */
export const ENCODED_ONE = passportSchema.encoding.one;

/** How many integers the encoded private features are. */
export const ENCODED_LENGTH = passportSchema.encoding.length;

/** The salt's unsigned 32-bit integers. */
export const SALT_ELEMENTS = passportSchema.encoding.salt.elements;

/** The fields of both groups, in the schema's order. */
export const FIELDS: readonly Field[] = GROUPS.flatMap((group) =>
  Object.entries<Told>(passportSchema.properties[group].properties).map(([name, told]) => field(group, name, told)),
);

/** The place of the flag that says that a group is there. */
export function presentPosition(group: GroupName): number {
  return passportSchema.properties[group].encoding.present_position;
}

/** What may stand in a field, in words. */
export function expected(field: Field): string {
  return `${field.whole ? "a whole number" : "a number"} within ${field.low}..${field.high} (${field.unit})`;
}

function field(group: GroupName, name: string, told: Told): Field {
  const { title, description, unit, encoding } = told;
  return {
    group,
    name,
    title,
    description,
    unit,
    whole: told.type.includes("integer"),
    low: String(told.minimum),
    high: String(told.maximum),
    logUnit: encoding.scale === "log" ? (encoding.log_unit ?? null) : null,
    position: encoding.position,
    statedPosition: encoding.stated_position ?? null,
  };
}
