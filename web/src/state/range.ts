/** The days or hours that are asked for: a preset that moves with the clock, or two ends. All of it is in the URL. */
import { computed, ref, watch } from "vue";

import { one, set } from "@/router";
import { zone } from "@/state/about";
import { refreshed } from "@/state/refresh";

export type Preset = "today" | "24h" | "7d" | "30d";
export type Interval = "minute" | "hour" | "day" | "week" | "month";
export interface Range {
  preset: Preset | null;
  /** As the API takes them: days, or where hours begin; both inclusive. */
  from: string; to: string;
  /** How many days are touched; and the first and last of them. */
  days: number; firstDay: string; lastDay: string;
}

export const PRESETS: readonly Preset[] = ["today", "24h", "7d", "30d"];
const DEFAULT: Preset = "7d";
const BACK: Record<Exclude<Preset, "24h">, number> = { today: 0, "7d": 6, "30d": 29 };
const DAY_MS = 86_400_000, HOUR_MS = 3_600_000;

/** The day of a moment in a zone, YYYY-MM-DD. Swedish writes dates as the API does. */
export function todayIn(tz: string, now = Date.now()): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: tz }).format(now);
}

/** Where the zone's hour of a moment begins, as the API takes it. */
export function hourIn(tz: string, moment = Date.now()): string {
  const minute = Number(new Intl.DateTimeFormat("en", { timeZone: tz, minute: "numeric" }).format(moment));
  return new Date(Math.floor(moment / 60_000 - minute) * 60_000).toISOString().replace(".000Z", "Z");
}

export function addDays(day: string, count: number): string {
  return new Date(Date.parse(day) + count * DAY_MS).toISOString().slice(0, 10);
}

export function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** Whether this is where an hour begins, with its zone: as series name hours. */
export function isHour(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:00(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

export const today = ref(todayIn(zone.value));
const hour = ref(hourIn(zone.value));
watch([zone, refreshed], () => { today.value = todayIn(zone.value); hour.value = hourIn(zone.value); });

function ofDays(preset: Preset | null, from: string, to: string): Range {
  return { preset, from, to, days: (Date.parse(to) - Date.parse(from)) / DAY_MS + 1, firstDay: from, lastDay: to };
}

function ofHours(preset: Preset | null, from: string, to: string): Range {
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  const days = Math.max(1, Math.ceil((end - begin + HOUR_MS) / DAY_MS));
  return { preset, from, to, days, firstDay: todayIn(zone.value, begin), lastDay: todayIn(zone.value, end) };
}

export const range = computed<Range>(() => {
  const ends = [one("from"), one("to")].sort((a, b) => Date.parse(a) - Date.parse(b)) as [string, string];
  if (ends.every(isDay)) return ofDays(null, ...ends);
  if (ends.every(isHour)) return ofHours(null, ...ends);
  const named = one("range") as Preset;
  const preset = PRESETS.includes(named) ? named : DEFAULT;
  if (preset === "24h") return ofHours(preset, hourIn(zone.value, Date.parse(hour.value) - 23 * HOUR_MS), hour.value);
  return ofDays(preset, addDays(today.value, -BACK[preset]), today.value);
});

/** Whether the range is of hours, not of whole days. */
export const hourly = computed(() => range.value.from.length > 10);

/** Whether the range reaches to now, so that its last interval still runs. */
export const running = computed(() => range.value.to >= (hourly.value ? hour.value : today.value));

/** The range of equal length right before. */
export const before = computed(() => {
  const { from, to, days } = range.value;
  if (!hourly.value) return { from: addDays(from, -days), to: addDays(from, -1) };
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  return { from: hourIn(zone.value, 2 * begin - end - HOUR_MS), to: hourIn(zone.value, begin - HOUR_MS) };
});

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

/** From one point of a chart to another: hours where it has hours, else days. */
export function chooseBetween(first: string, last: string): void {
  const [from, to] = [first, last].map((time) => (isHour(time) ? hourIn(zone.value, Date.parse(time)) : time.slice(0, 10))) as [string, string];
  if (from !== range.value.from || to !== range.value.to) chooseDays(from, to);
}

export function compare(on: boolean): void {
  set({ compare: on ? "previous" : undefined });
}
