/** The API answered with a problem; `fields` says what is wrong with which field. */
export class ApiRefused extends Error {
  readonly fields: Record<string, string>;

  constructor(
    readonly status: number,
    readonly problem: { detail?: string; errors?: { field: string; detail: string }[] } & Record<string, unknown>,
    readonly retrySeconds: number | null,
  ) {
    super(`HTTP ${status}: ${problem.detail ?? "no reason given"}`);
    this.fields = Object.fromEntries((problem.errors ?? []).map((one) => [one.field, one.detail]));
  }
}

const PASSES = new Set([429, 503]);
const LONGEST_PAUSE_SECONDS = 30;

type Call = {
  method: string;
  path: string;
  sent?: object | undefined;
  headers?: Record<string, string>;
  tries: number;
};

/** Call an API below `/v1`; what passes (429, 503) is tried again, a few times, when the server says so. */
export async function sendJson<T>(url: string, call: Call): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(`${url.replace(/\/$/, "")}/v1${call.path}`, {
      method: call.method,
      headers: { ...call.headers, ...(call.sent && { "Content-Type": "application/json" }) },
      ...(call.sent && { body: JSON.stringify(call.sent) }),
    });
    if (response.ok) return (await response.json()) as T;
    const problem = await response.json().catch(() => ({ detail: "the answer is no JSON" }));
    const after = Number(response.headers.get("Retry-After"));
    if (!PASSES.has(response.status) || attempt >= call.tries)
      throw new ApiRefused(response.status, problem, after || null);
    const pause = Math.min(after || 2 ** attempt / 2, LONGEST_PAUSE_SECONDS);
    await new Promise((resolve) => setTimeout(resolve, pause * 1_000));
  }
}
