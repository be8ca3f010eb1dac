// The borrower's page: takes the form, commits, asks by the wallet, hands the opening in, and shows what was answered.
// What is stated stays in this document: only the commitment, and the opening in its sealed box, leave it.
import type { Address } from "viem";
import { RiskOracle } from "../src/oracle.js";
import {
  commit,
  InvalidPassport,
  newSalt,
  openingJson,
  PassportApi,
  readOpening,
  readPassport,
  type Opening,
  type Passport,
} from "../src/passport/index.js";
import { follow, showOutcome, showReasons } from "./answer.js";
import { ask, lentBy, type Lent, type Order } from "./asking.js";
import { button, input, made, part, show, text } from "./dom.js";
import * as form from "./form.js";
import { Connected, offered, type Offered } from "./wallet.js";
import { ApiRefused } from "../src/http.js";
import { coins, inWords, Said } from "./words.js";

type Committed = { passport: Passport; opening: Opening };

const { chainId: chainText, oracle: oracleText, root, api: apiPath } = part("borrow").dataset as Record<string, string>;
const chainId = Number(chainText);
const api = new PassportApi(apiPath ?? "");
const COINS: Lent = { token: "0x", symbol: "coins", decimals: 18 };

let connected: Connected | null = null;
let lent: Lent = COINS;
let fee: bigint | null = null;
let loaded: Committed | null = null;
let committed: Committed | null = null;
let file: string | null = null;

function say(words: string): void {
  part("said").textContent = words;
}

function tell(error: unknown): void {
  const fault = part("fault");
  fault.textContent = inWords(error);
  fault.hidden = false;
  if (error instanceof InvalidPassport) {
    form.tellFaults(error.fields);
    const count = Object.keys(error.fields).length;
    fault.textContent = count === 1 ? error.message : `${count} fields need another look: each says what it expects.`;
  } else if (error instanceof Said && error.field !== null) form.tellFaults({ [error.field]: error.message });
}

/** Do what a button says, with faults in words; nothing else can be pressed meanwhile. */
async function acting(act: () => Promise<void>): Promise<void> {
  const buttons = [...document.querySelectorAll<HTMLButtonElement>("main button")].filter((one) => !one.disabled);
  form.tellFaults({});
  show("fault", false);
  buttons.forEach((one) => (one.disabled = true));
  const faults: unknown[] = [];
  for (const step of [act, look])
    await step().catch((error: unknown) => {
      faults.push(error);
    });
  buttons.forEach((one) => (one.disabled = false));
  if (faults.length === 0) return;
  say("");
  tell(faults[0]);
}

function wallet(): Connected {
  if (connected === null) throw new Said("Connect your wallet first: it signs and pays, and this page reads the chain by it.", "wallets");
  return connected;
}

const oracleBy = (by: Connected) => new RiskOracle(by.client, oracleText as Address);

/** Where the wallet stands, and what asking costs now. */
async function look(): Promise<void> {
  if (connected === null) return;
  const found = await connected.chainId();
  const right = found === chainId;
  part("account").textContent = connected.account;
  part("network").textContent = right ? "" : `Your wallet is on chain ${found}; this oracle is on chain ${chainId}.`;
  show("network", !right);
  show("switch", !right);
  show("connected");
  fee = right ? await oracleBy(connected).fee() : null;
  part("fee").textContent = fee === null ? "–" : coins(fee);
  const lender = form.lender();
  lent = right && lender !== null ? await lentBy(connected, lender) : COINS;
  form.arrangeLoan(lent.symbol);
}

async function connect(one: Offered): Promise<void> {
  connected = await Connected.by(one.provider, chainId);
  // Another account, or another chain, is another question: it starts anew.
  one.provider.on("accountsChanged", () => void acting(() => reconnect(one)));
  one.provider.on("chainChanged", () => void acting(look));
  await look();
}

async function reconnect(one: Offered): Promise<void> {
  connected = await Connected.by(one.provider, chainId);
}

/** A new form is a new commitment: what was committed to before is forgotten. */
function forget(): void {
  committed = null;
  show("committed", false);
  if (file !== null) URL.revokeObjectURL(file);
  file = null;
}

async function load(chosen: File): Promise<void> {
  if (chosen.size > 65_536) throw new Said("The file is larger than 64 KB: it is no passport and no opening.", "file");
  const content = await chosen.text();
  forget();
  loaded = content.includes('"salt"') ? readOpening(content) : null;
  form.fillIn(loaded?.passport ?? readPassport(content));
  show("kept-salt", loaded !== null);
  say(loaded === null ? "The passport is filled in." : "The opening is filled in; its commitment stays what it was.");
}

async function commitNow(): Promise<void> {
  const passport = form.statedPassport();
  committed = loaded ?? { passport, opening: commit(passport, newSalt()) };
  part("commitment").textContent = committed.opening.commitment;
  file = URL.createObjectURL(new Blob([openingJson(committed.passport, committed.opening)], { type: "application/json" }));
  const link = part<HTMLAnchorElement>("save");
  link.href = file;
  link.download = `opening-${committed.opening.commitment.slice(2, 10)}.json`;
  show("committed");
  say("Committed, in this page alone. Save the opening, then ask.");
  link.focus();
}

function order(): Order {
  const principal = form.amount("principal", "Amount", lent.decimals, 1n);
  const collateral = form.amount("collateral", "Collateral", 18, 0n);
  const duration = form.duration("days", "Duration");
  if (form.lender() === null)
    return { principal, collateral, duration, minimumPrincipal: 0n, minimumDuration: 0, maximumRate: 0 };
  return {
    principal,
    collateral,
    duration,
    minimumPrincipal: form.amount("least-principal", "Least amount", lent.decimals, 0n),
    minimumDuration: form.duration("least-days", "Shortest duration"),
    maximumRate: form.rate("highest-rate", "Highest rate"),
  };
}

async function askNow(): Promise<void> {
  const by = wallet();
  if (committed === null) throw new Said("Commit first.", "commit");
  const [{ opening }, lender, mode] = [committed, form.lender(), form.mode()];
  await by.requireChain();
  if (fee === null) throw new Said("The fee is not known yet: press again in a moment.");
  const head = await by.client.getBlock({ blockTag: "latest" });
  const attestation =
    lender === null
      ? null
      : form.attestation({ account: by.account, commitment: opening.commitment, chainId, now: head.timestamp });
  const wanted = order();
  if (mode === "open") await requireKey();
  const price = { fee, collateral: lender === null ? 0n : wanted.collateral };
  const requestId = await ask(by, oracleBy(by), wanted, opening.commitment, { lender, attestation, price }, say);
  await answer(by, requestId, opening, mode);
}

/** Before anything is paid: an oracle that takes no openings would let the request run out. */
async function requireKey(): Promise<void> {
  try {
    await api.key();
  } catch (error) {
    if (error instanceof ApiRefused && error.status === 404)
      throw new Said("This oracle takes no openings. Choose to prove on your own machine, or ask without private data.", "mode-open");
    throw error;
  }
}

async function answer(by: Connected, requestId: bigint, opening: Opening, mode: "open" | "prove"): Promise<void> {
  const page = `${root}b/${requestId}`;
  input("again").value = String(requestId);
  const prove = () => {
    const saved = part<HTMLAnchorElement>("save").download || "opening.json";
    part("command").textContent = `risk-oracle passport prove ${saved} ${requestId} --url ${location.origin}`;
    show("proving");
  };
  const outcome = await follow({ requestId, oracle: oracleBy(by), api, chainId, opening, mode, say, prove });
  show("proving", false);
  say("");
  showOutcome(outcome, requestId, page);
  await showReasons(page);
}

async function continueNow(): Promise<void> {
  const by = wallet();
  await by.requireChain();
  if (!/^[1-9][0-9]{0,18}$/.test(text("again"))) throw new Said("Request: expected its number", "again");
  const chosen = input("again-file").files?.[0];
  const opening = chosen !== undefined ? readOpening(await chosen.text()).opening : committed?.opening;
  if (opening === undefined) throw new Said("Opening: choose the file that was saved for this request", "again-file");
  await answer(by, BigInt(text("again")), opening, form.mode());
}

function offer(wallets: readonly Offered[]): void {
  const list = part("wallets");
  if (wallets.length === 0) {
    list.replaceChildren(made("p", "No wallet is here. Install one in your browser, then load this page again.", "note warn"));
    return;
  }
  list.replaceChildren(...wallets.map((one) => button(`Connect ${one.name}`, () => void acting(() => connect(one)))));
}

function listen(): void {
  const form_ = part<HTMLFormElement>("borrow");
  form_.addEventListener("submit", (event) => event.preventDefault());
  part("stated").addEventListener("input", () => {
    loaded = null;
    show("kept-salt", false);
    form.arrange();
    forget();
  });
  const press = (id: string, act: () => Promise<void>) => part(id).addEventListener("click", () => void acting(act));
  press("commit", commitNow);
  press("ask", askNow);
  press("continue", continueNow);
  press("switch", async () => wallet().switchChain());
  part("lender").addEventListener("change", () => void acting(async () => form.arrangeLoan(COINS.symbol)));
  input("file").addEventListener("change", () => {
    const chosen = input("file").files?.[0];
    if (chosen !== undefined) void acting(() => load(chosen));
  });
}

listen();
form.arrange();
form.arrangeLoan(COINS.symbol);
offered(offer);
part<HTMLFieldSetElement>("all").disabled = false;
document.documentElement.dataset["borrow"] = "ready";
