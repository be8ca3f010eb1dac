import type { Address, Hex } from "viem";
import { isHex, parseUnits, size } from "viem";
import { FIELDS, InvalidPassport, SCHEMA_HASH, type Field, type Passport } from "../src/passport/index.js";
import { input, part, show, text } from "./dom.js";
import { Said } from "./words.js";

/** What an issuer signed, as contracts take it. */
export type Attestation = { issuer: Hex; schema: Hex; validUntil: bigint; signature: Hex };

const GROUPS = ["home", "card"] as const;
const AMOUNT = /^(0|[1-9][0-9]*)(\.[0-9]+)?$/;
const LONGEST_DAYS = 36_500;
const LARGEST_UINT128 = 2n ** 128n - 1n;
const idOf = (field: Field) => `${field.group}.${field.name}`;

/** What the person stated; throws InvalidPassport, keyed by the ids of the inputs. */
export function statedPassport(): Passport {
  const empty: Record<string, string> = {};
  const passport: Record<(typeof GROUPS)[number], Record<string, string | null> | null> = { home: null, card: null };
  for (const group of GROUPS) {
    if (!input(`has-${group}`).checked) continue;
    const stated: Record<string, string | null> = (passport[group] = {});
    for (const field of FIELDS.filter((one) => one.group === group)) {
      const [value, unknown] = [text(idOf(field)), input(`unknown-${idOf(field)}`).checked];
      if (!unknown && value === "") empty[idOf(field)] = `${field.title}: state it, or tick unknown`;
      // A leading dot or zeros are how people write numbers, not how JSON does.
      stated[field.name] = unknown ? null : value.replace(/^0+(?=[0-9])/, "").replace(/^\./, "0.");
    }
  }
  if (Object.keys(empty).length > 0) throw new InvalidPassport(empty);
  return passport;
}

/** Fill the form with a passport from a file. */
export function fillIn(passport: Passport): void {
  for (const group of GROUPS) {
    const values = passport[group];
    input(`has-${group}`).checked = values !== null;
    for (const field of FIELDS.filter((one) => one.group === group)) {
      const value = values?.[field.name] ?? null;
      input(idOf(field)).value = value === null ? "" : String(value);
      input(`unknown-${idOf(field)}`).checked = values !== null && value === null;
    }
  }
  arrange();
}

/** Open and close what the ticks say. */
export function arrange(): void {
  for (const group of GROUPS) part<HTMLFieldSetElement>(`fields-${group}`).disabled = !input(`has-${group}`).checked;
  for (const field of FIELDS) {
    const unknown = input(`unknown-${idOf(field)}`).checked;
    input(idOf(field)).disabled = unknown;
    if (unknown) input(idOf(field)).value = "";
  }
}

/** Say what is wrong at each input, and go to the first; an empty record takes it all back. */
export function tellFaults(faults: Readonly<Record<string, string>>): void {
  for (const told of document.querySelectorAll<HTMLElement>("[data-fault]")) {
    const id = told.dataset["fault"] ?? "";
    const fault = faults[id];
    told.textContent = fault ?? "";
    told.hidden = fault === undefined;
    document.getElementById(id)?.setAttribute("aria-invalid", String(fault !== undefined));
  }
  for (const id of Object.keys(faults)) {
    const wrong = document.getElementById(id);
    if (wrong === null) continue;
    wrong.focus();
    return;
  }
}

/** An amount in smallest units; throws Said, which names the input. */
export function amount(id: string, name: string, decimals: number, least: bigint): bigint {
  const written = text(id);
  const [, places = ""] = written.split(".");
  if (!AMOUNT.test(written) || places.length > decimals)
    throw new Said(`${name}: expected a number like 1.5, with ${decimals} digits after the point at most`, id);
  const found = parseUnits(written, decimals);
  if (found < least) throw new Said(`${name}: expected more than nothing`, id);
  if (found > LARGEST_UINT128) throw new Said(`${name}: is more than any contract takes`, id);
  return found;
}

/** Whole days as seconds; throws Said. */
export function duration(id: string, name: string): number {
  const days = Number(text(id));
  if (!/^[0-9]+$/.test(text(id)) || days < 1 || days > LONGEST_DAYS)
    throw new Said(`${name}: expected whole days, 1 to ${LONGEST_DAYS}`, id);
  return days * 86_400;
}

/** Percent a year as basis points; throws Said. */
export function rate(id: string, name: string): number {
  const percent = Number(text(id));
  if (!/^[0-9]+(\.[0-9]{1,2})?$/.test(text(id)) || percent > 600)
    throw new Said(`${name}: expected percent a year, 0 to 600, like 7.25`, id);
  return Math.round(percent * 100);
}

/** The attestation that was pasted, null for none; throws Said for one that cannot hold. */
export function attestation(of: { account: Address; commitment: Hex; chainId: number; now: bigint }): Attestation | null {
  const id = "attestation";
  const written = part<HTMLTextAreaElement>(id).value.trim();
  if (written === "") return null;
  const wrong = (fault: string) => new Said(`Attestation: ${fault}`, id);
  let found: unknown;
  try {
    found = JSON.parse(written);
  } catch {
    throw wrong("it is no JSON; copy the issuer's answer whole");
  }
  // An issuer's answer holds it beside the credential.
  const inside = record(record(found)?.["attestation"] ?? found) ?? {};
  const { issuer, schema, signature, borrower, data_commitment: commitment, chain_id: chain } = inside;
  const until = inside["valid_until"] ?? inside["validUntil"];
  if (!hex(issuer) || size(issuer) !== 32 || !hex(schema) || !hex(signature) || !/^[0-9]{1,19}$/.test(String(until)))
    throw wrong("expected issuer, schema, valid_until and signature, as the issuer gave them");
  if (schema.toLowerCase() !== SCHEMA_HASH) throw wrong("it is about another schema, or another version of it");
  const validUntil = BigInt(String(until));
  if (validUntil < of.now) throw wrong("it ran out; ask its issuer for a new one");
  if (chain !== undefined && String(chain) !== String(of.chainId)) throw wrong("it is for another chain");
  if (borrower !== undefined && String(borrower).toLowerCase() !== of.account.toLowerCase())
    throw wrong("it was issued to another account; connect the wallet that it was issued to");
  if (commitment !== undefined && String(commitment).toLowerCase() !== of.commitment)
    throw wrong("it is about another commitment; load the opening that it was issued for");
  return { issuer, schema, validUntil, signature };
}

/** The lender that was chosen, null for an assessment alone. */
export function lender(): Address | null {
  const chosen = part<HTMLSelectElement>("lender").value;
  return chosen === "" ? null : (chosen as Address);
}

/** How the private data are to be answered for. */
export function mode(): "open" | "prove" {
  return input("mode-prove").checked ? "prove" : "open";
}

/** Show what belongs to a lender, or hide it. */
export function arrangeLoan(unit: string): void {
  show("lender-limits", lender() !== null);
  for (const id of ["principal-unit", "least-unit"]) part(id).textContent = unit;
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
}

function hex(value: unknown): value is Hex {
  return typeof value === "string" && isHex(value);
}
