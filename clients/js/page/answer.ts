import { ApiRefused } from "../src/http.js";
import type { RiskOracle } from "../src/oracle.js";
import { PassportApi, type Opening, type RequestFeatures } from "../src/passport/index.js";
import type { Outcome, Scores } from "../src/types.js";
import { made, part, show } from "./dom.js";
import { inWords, Said } from "./words.js";

const EARLY = new Set(["requested", "collected"]);
const PAUSE_MILLISECONDS = 1_000;
const PATIENCE_SECONDS = 3_600;

/** One request until it is over: hands its opening in when the daemon asks for it. */
export type Following = {
  requestId: bigint;
  oracle: RiskOracle;
  api: PassportApi;
  chainId: number;
  opening: Opening;
  mode: "open" | "prove";
  say: (text: string) => void;
  /** Called once the daemon waits for a proof of the person's own machine. */
  prove: () => void;
};

/** The outcome of a request; throws Said when its opening is not taken, after which it may be tried again. */
export async function follow(one: Following): Promise<Outcome> {
  const until = Date.now() + PATIENCE_SECONDS * 1_000;
  let handed = false;
  let told = "";
  const tell = (text: string) => {
    if (text !== told) one.say(text);
    told = text;
  };
  tell(`Request ${one.requestId} is on the chain. The oracle reads the wallet's history.`);
  while (Date.now() < until) {
    const outcome = await one.oracle.read(one.requestId);
    if (outcome.state === "none") throw new Said(`There is no request ${one.requestId} at this oracle: look at its number.`, "again");
    if (outcome.state !== "pending") return outcome;
    const found = handed ? null : await one.api.features(one.requestId);
    if (found !== null) requireOurs(found, one.opening);
    if (found?.wants === "opening_or_proof" && one.mode === "open") {
      handed = await handIn(one);
      if (handed) tell("The oracle has the sealed opening. It computes the answer, proves it and brings it to the chain.");
    } else if (found?.wants === "opening_or_proof") {
      one.prove();
      tell("The oracle waits for the proof that your own machine makes.");
    } else if (found !== null && !EARLY.has(found.state)) {
      tell("The oracle has all that it needs. It brings the answer to the chain.");
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
  throw new Said(`Request ${one.requestId} has no answer yet. Its page, linked below, shows what becomes of it.`);
}

async function handIn({ api, opening, requestId, chainId, oracle }: Following): Promise<boolean> {
  try {
    await api.open(opening, { chainId, oracle: oracle.address, requestId });
    return true;
  } catch (error) {
    // It stands elsewhere by now: the next look tells.
    if (error instanceof ApiRefused && error.status === 409) return false;
    throw error;
  }
}

function requireOurs(found: RequestFeatures, opening: Opening): void {
  if (BigInt(found.data_commitment) !== BigInt(opening.commitment))
    throw new Said("This opening is of another commitment than the request's: load the one that was saved for it.", "again-file");
}

/** Show what the contract stored: score and terms. */
export function showOutcome(outcome: Outcome, requestId: bigint, page: string): void {
  const box = part("outcome");
  box.replaceChildren();
  const link = document.createElement("a");
  link.href = page;
  link.textContent = `the page of request ${requestId}`;
  if (outcome.state === "answered") box.append(...answered(outcome.scores));
  else if (outcome.state === "declined") box.append(made("p", "Not assessed", "big"));
  else box.append(made("p", "Cancelled", "big"), made("p", "Its time passed without an answer. The fee goes back to who paid it."));
  const kept = made("p", "It stays on ");
  kept.append(link, ".");
  box.append(kept);
  part("answer").className = outcome.state === "answered" ? `card verdict ${outcome.scores.category}` : "card verdict";
  show("answer");
  part("answer").focus();
}

function answered(scores: Scores): HTMLElement[] {
  const percent = (points: number) => `${(points / 100).toFixed(1)} %`;
  const lines: [string, string][] = [
    ["Chance that the loan is not repaid as agreed", percent(scores.probabilityOfDefault)],
    ["Likelihood of fraud", percent(scores.fraudLikelihood)],
    ["Confidence", percent(scores.confidence)],
    ["Rate a year that it recommends", percent(scores.interestRate)],
    ["Longest duration that it recommends", `${scores.durationDays} days`],
    ["Highest loan to value that it recommends", percent(scores.maximumLtv)],
  ];
  const list = made("dl", "", "lines");
  for (const [name, value] of lines) {
    const line = document.createElement("div");
    line.append(made("dt", name), made("dd", value));
    list.append(line);
  }
  const name = { low: "Low risk", medium: "Medium risk", high: "High risk" }[scores.category];
  const said = made("p", "The score is ");
  said.append(made("strong", `${(scores.score / 100).toFixed(1)} of 100`), "; a higher score is safer.");
  return [made("p", name, "big"), said, list];
}

/** Bring reasons and recourse, or why it was declined, from the request's own page, once it has them. */
export async function showReasons(page: string): Promise<void> {
  const box = part("reasons");
  for (let attempt = 0; attempt < 60; attempt++) {
    const response = await fetch(page);
    if (response.status === 404) {
      box.replaceChildren(made("p", "This operator shows no reasons.", "empty"));
      return;
    }
    const found = new DOMParser().parseFromString(await response.text(), "text/html");
    const answer = found.querySelector<HTMLElement>("[data-answer]")?.dataset["answer"];
    if (response.ok && answer !== undefined && answer !== "waiting") {
      const sections = found.querySelectorAll("[data-part]");
      box.replaceChildren(...[...sections].map((section) => document.importNode(section, true)));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
  box.replaceChildren(made("p", inWords(new Said("The reasons are not there yet: the request's own page will show them.")), "empty"));
}
