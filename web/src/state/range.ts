/** The days that are asked for: a preset that moves with the calendar, or two days. All of it is in the URL. */
import { computed, ref, watch } from "vue";

import { one, set } from "@/router";
import { zone } from "@/state/about";
import { refreshed } from "@/state/refresh";

export type Preset = "today" | "24h" | "7d" | "30d";
export type Interval = "minute" | "hour" | "day" | "week" | "month";
export interface Range { preset: Preset | null; from: string; to: string; days: number }

export const PRESETS: readonly Preset[] = ["today", "24h", "7d", "30d"];
const DEFAULT: Preset = "7d";
// The API counts whole days: "24 h" is yesterday and today, drawn by the hour.
const BACK: Record<Preset, number> = { today: 0, "24h": 1, "7d": 6, "30d": 29 };
const DAY_MS = 86_400_000;

/** The day of now in the server's zone, YYYY-MM-DD. Swedish writes dates as the API does. */
export function todayIn(tz: string, now = Date.now()): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: tz }).format(now);
}

export function addDays(day: string, count: number): string {
  return new Date(Date.parse(day) + count * DAY_MS).toISOString().slice(0, 10);
}

export function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
}

export const today = ref(todayIn(zone.value));
watch([zone, refreshed], () => { today.value = todayIn(zone.value); });

export const range = computed<Range>(() => {
  const from = one("from"), to = one("to");
  if (isDay(from) && isDay(to)) {
    const [first, last] = from <= to ? [from, to] : [to, from];
    return { preset: null, from: first, to: last, days: (Date.parse(last) - Date.parse(first)) / DAY_MS + 1 };
  }
  const named = one("range") as Preset;
  const preset = PRESETS.includes(named) ? named : DEFAULT;
  return { preset, from: addDays(today.value, -BACK[preset]), to: today.value, days: BACK[preset] + 1 };
});

/** The range of equal length right before. */
export const before = computed(() => ({ from: addDays(range.value.from, -range.value.days), to: addDays(range.value.from, -1) }));

/** Whether the chart shows the period before. Figures always show the change. */
export const comparing = computed(() => one("compare") === "previous");

/** How a range is cut where nobody chose: hours, days, weeks or months, never too many points. */
export const interval = computed<Interval>(() => {
  const chosen = one("interval") as Interval;
  if (intervals.value.includes(chosen)) return chosen;
  const { days } = range.value;
  return days <= 2 ? "hour" : days <= 92 ? "day" : days <= 400 ? "week" : "month";
});

/** The intervals that make sense for the range. */
export const intervals = computed<Interval[]>(() => {
  const { days } = range.value;
  const found: Interval[] = [];
  if (days <= 31) found.push("hour");
  if (days > 1) found.push("day");
  if (days > 13) found.push("week");
  if (days > 45) found.push("month");
  return found;
});

export function choosePreset(preset: Preset): void {
  set({ range: preset === DEFAULT ? undefined : preset, from: undefined, to: undefined, interval: undefined });
}

export function chooseDays(from: string, to: string): void {
  set({ range: undefined, from, to, interval: undefined });
}

export function compare(on: boolean): void {
  set({ compare: on ? "previous" : undefined });
}
