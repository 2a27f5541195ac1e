/** The same question of the days before, in one shape, whether or not the server compares by itself. */
import { ask, type Params } from "@/api/client";
import type { Series, Sessions } from "@/api/types";

type Session = Sessions["data"][number];

/** Series of the range and, where asked for, of the period before. */
export async function askSeries(params: Params, before: { from: string; to: string } | null, signal: AbortSignal): Promise<Series> {
  const now = ask<Series>("series", { ...params, compare: before ? "previous" : undefined }, signal);
  const found = await now;
  if (!before || found.before) return found;
  return { ...found, before: (await ask<Series>("series", { ...params, ...before }, signal)).data };
}

/** Sessions by interval, of the range and of the period before. */
export async function askSessions(
  params: Params, before: { from: string; to: string } | null, signal: AbortSignal,
): Promise<{ data: Session[]; before?: Session[] }> {
  const [now, then] = await Promise.all([
    ask<Sessions>("sessions", params, signal), before ? ask<Sessions>("sessions", { ...params, ...before }, signal) : null,
  ]);
  return then ? { data: now.data, before: then.data } : { data: now.data };
}
