/** Questions to the API. All that can go wrong becomes a `Problem` with a sentence and, where there is one, the mend. */

export type Params = Record<string, string | number | boolean | undefined>;

export class Problem extends Error {
  constructor(readonly status: number, readonly title: string, readonly detail: string, readonly code = "") {
    super(detail || title);
  }
}

const BASE = "/api/v1/";
/** Called where the server wants a password. */
let onSignIn: () => void = () => {};

export function whenSignInIsNeeded(act: () => void): void {
  onSignIn = act;
}

let bearer = "";

/** From here on asks as the bearer of this key: a page in a frame on another site has no cookies. */
export function actAs(key: string): void {
  bearer = key;
}

export function url(route: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined && value !== "") query.set(name, String(value));
  const text = query.toString();
  return BASE + route + (text && `?${text}`);
}

/** GET; raises `Problem`, or AbortError where the signal ends it. */
export async function ask<T>(route: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  const left = { ...params };
  for (let tries = 0; ; tries++) {
    for (const name of dropped.get(route) ?? []) delete left[name];
    try {
      return await call<T>(url(route, left), { signal: signal ?? null });
    } catch (error) {
      // A server of an older version knows fewer parameters. What only adds to an answer may be left out; a filter never:
      // figures of everything under the name of a part would be a lie.
      const unknown = error instanceof Problem && error.status === 400 && /unknown parameter '(\w+)'/.exec(error.detail)?.[1];
      if (tries > 4 || !unknown || !OPTIONAL.includes(unknown)) throw error;
      dropped.set(route, [...(dropped.get(route) ?? []), unknown]);
    }
  }
}

const OPTIONAL = ["compare", "offset", "cursor"];
const dropped = new Map<string, string[]>();

/** POST or DELETE with a JSON body; raises `Problem`. */
export function send<T>(method: "POST" | "PUT" | "DELETE", route: string, body?: unknown): Promise<T> {
  return call<T>(url(route), {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
}

async function call<T>(address: string, init: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(address, { ...init, headers: bearer ? { ...init.headers, authorization: `Bearer ${bearer}` } : init.headers ?? {}, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "");
  }
  if (answer.status === 204) return undefined as T;
  const body: unknown = await answer.json().catch(() => null);
  if (answer.ok) return body as T;
  const said = (body ?? {}) as { title?: string; detail?: string; code?: string; message?: string };
  if (answer.status === 401 && said.code !== "40010") onSignIn();
  throw new Problem(answer.status, said.title ?? String(answer.status), said.detail ?? said.message ?? "", said.code);
}
