/** A funnel as it stands in the URL: `steps` is the API's own parameter, so a link is the question. */
import type { Condition, Op } from "@/api/types";
import { OPS } from "@/state/filters";

export interface Step { name: string; conditions: Condition[] }
export const MOST = 10;
/** Characters of a step's name, as the API takes them. */
export const NAME = 60;
export const WINDOWS = ["30m", "1h", "1d", "7d", "30d"] as const;

export function parse(text: string): Step[] {
  let found: unknown;
  try { found = JSON.parse(text || "[]"); } catch { return []; }
  if (!Array.isArray(found)) return [];
  return found.slice(0, MOST).map((one: { name?: unknown; filters?: unknown }) => ({
    name: String(one?.name ?? ""),
    conditions: (Array.isArray(one?.filters) ? one.filters : []).flatMap((each: unknown): Condition[] => {
      if (!Array.isArray(each) || !OPS.includes(each[0] as Op)) return [];
      const value = Array.isArray(each[2]) ? each[2].map(String) : String(each[2] ?? "");
      return [{ op: each[0] as Op, field: String(each[1]), value }];
    }),
  }));
}

/** As the URL and the API take it. */
export function text(steps: readonly Step[]): string {
  return JSON.stringify(steps.map((step) => ({ name: step.name, filters: step.conditions.map(({ op, field, value }) => [op, field, value]) })));
}

export function complete(condition: Condition): boolean {
  return condition.field !== "" && (Array.isArray(condition.value) ? condition.value.some((one) => one) : condition.value !== "");
}

/** A step without a name is named by what it asks. */
export function named(step: Step, n: number): string {
  const first = step.conditions[0];
  return (step.name || (first && String(first.value)) || String(n + 1)).slice(0, NAME);
}

/** What is asked: only whole conditions, and every step named. */
export function question(steps: readonly Step[]): string {
  return text(steps.map((step, n) => ({ name: named(step, n), conditions: step.conditions.filter(complete) })));
}
