/** Alerts as the API has them, and the form of a new one. */
import { exact } from "@/format/numbers";
import { t } from "@/i18n";

export const KINDS = ["threshold", "change", "silence", "pipeline"] as const;
export const STATISTICS = ["pv", "uv", "rejected", "requests", "errors", "error_rate", "p95_ms"] as const;
export const PIPELINE = ["lag_seconds", "lag_events", "unbalanced"] as const;
export const WINDOWS = ["5m", "15m", "30m", "1h", "6h", "24h"] as const;

export interface Alert {
  id: number; name: string; url: string; created: string; condition: string; state: string; value: number | null; error: string; since: string | null;
  kind: string; statistic: string; topic: string; site: string; window: string; above: number | null; below: number | null; percent: number | null; direction: string;
}
export interface Delivery { at: string; alert: string; event: string; host: string; state: string; status?: number; error?: string }

export interface Draft {
  kind: (typeof KINDS)[number]; statistic: string; topic: string; site: string; window: string; side: "above" | "below"; limit: number; direction: "up" | "down" | "both";
}

/** The body of POST alerts: only what the kind knows. */
export function body(draft: Draft, name: string, url: string): Record<string, unknown> {
  const made: Record<string, unknown> = { name, url, kind: draft.kind, topic: draft.topic };
  if (draft.kind !== "pipeline") Object.assign(made, { site: draft.site, window: draft.window });
  if (draft.kind !== "silence") made.statistic = draft.statistic;
  if (draft.kind === "threshold") made[draft.side] = draft.limit;
  if (draft.kind === "change") Object.assign(made, { percent: draft.limit, direction: draft.direction });
  if (draft.kind === "pipeline" && draft.statistic !== "unbalanced") made.above = draft.limit;
  return made;
}

/** What is watched, in the viewer's language. */
export function words(alert: Alert): string {
  const of = [alert.topic, alert.site].filter(Boolean).join(" · ");
  const statistic = t(`settings.s_${alert.statistic}`);
  const limit = alert.above !== null ? `> ${exact(alert.above)}` : alert.below !== null ? `< ${exact(alert.below)}` : "";
  const what = {
    threshold: `${statistic} ${limit} (${alert.window})`,
    change: `${statistic} ${{ up: "+", down: "−", both: "±" }[alert.direction] ?? "±"}${exact(alert.percent)} % (${alert.window})`,
    silence: t("settings.w_silence", { window: alert.window }),
    pipeline: `${statistic} ${limit}`,
  }[alert.kind] ?? alert.condition;
  return of ? `${of}: ${what}` : what;
}
