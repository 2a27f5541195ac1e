/** Which events count: site, key and conditions, as they stand in the URL and as the API wants them.
 *
 * A condition in the URL is `f=is:browser:Chrome`; several hold together. */
import { computed } from "vue";

import type { Params } from "@/api/client";
import type { Condition, Op } from "@/api/types";
import { here_with, one, query, set } from "@/router";
import { zone } from "@/state/about";
import { keyParts, PARTS } from "@/state/key";
import { range } from "@/state/range";

export const OPS: readonly Op[] = ["is", "is_not", "contains", "starts_with", "in"];

/** Fields that are offered; `props.NAME` is a field too. */
export const FIELDS = [
  "page", "source", "channel", "country", "product", "key", "browser", "os", "device", "language", "screen", "site", "topic",
  "category", "action", "label", "value", "url_host", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "user",
  "session", "bot",
] as const;

export function written(condition: Condition): string {
  const value = Array.isArray(condition.value) ? condition.value.map(encodeURIComponent).join(",") : condition.value;
  return `${condition.op}:${condition.field.replaceAll("%", "%25").replaceAll(":", "%3A")}:${value}`;
}

export function read(text: string): Condition | null {
  const found = /^([a-z_]+):([^:]+):(.*)$/s.exec(text);
  if (!found || !OPS.includes(found[1] as Op)) return null;
  const op = found[1] as Op, field = plain(found[2]!), value = found[3]!;
  return { op, field, value: op === "in" ? value.split(",").map(plain) : value };
}

function plain(text: string): string {
  try { return decodeURIComponent(text); } catch { return text; }
}

export const conditions = computed<Condition[]>(() => query.value.getAll("f").map(read).filter((each) => each !== null));
export const site = computed(() => one("site"));
export const key = computed(() => one("key"));

/** `filters` of these conditions; undefined where there are none. */
export function asParameter(list: readonly Condition[]): string | undefined {
  return list.length ? JSON.stringify(list.map(({ op, field, value }) => [op, field, value])) : undefined;
}

/** The parameters of a prefix of the key. */
export function keyParams(text: string): Params {
  return Object.fromEntries(keyParts(text).map((part, depth) => [PARTS[depth]!, part]));
}

/** What every statistic is asked with: days, zone, site, key, conditions. `more` are conditions of the page's own. */
export function common(more: readonly Condition[] = []): Params {
  return {
    from: range.value.from,
    to: range.value.to,
    tz: zone.value,
    site: site.value,
    ...keyParams(key.value),
    filters: asParameter([...conditions.value, ...more]),
  };
}

/** The address of this page with one condition more. */
export function filtered(field: string, value: string, op: Op = "is"): string {
  if (field === "key") return here_with({ key: value });
  if (field === "site" && op === "is") return here_with({ site: value });
  const added = written({ op, field, value: op === "in" ? [value] : value });
  const rest = conditions.value.filter((one) => !(one.op === "is" && op === "is" && one.field === field)).map(written);
  return here_with({ f: [...rest.filter((one) => one !== added), added] });
}

export function addCondition(condition: Condition): void {
  set({ f: [...conditions.value.map(written).filter((one) => one !== written(condition)), written(condition)] });
}

export function removeCondition(condition: Condition): void {
  set({ f: conditions.value.map(written).filter((one) => one !== written(condition)) });
}

export function clearFilters(): void {
  set({ f: [], site: undefined, key: undefined });
}

export const filterCount = computed(() => conditions.value.length + (key.value ? 1 : 0) + (site.value ? 1 : 0));
