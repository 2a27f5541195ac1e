/** Moments and days as text, in the viewer's locale and the server's zone. */
import { language, locale, t } from "@/i18n";
import { duration } from "@/format/numbers";
import { zone } from "@/state/about";
import type { Interval } from "@/state/range";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions, tz: string): Intl.DateTimeFormat {
  const key = locale.value + tz + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(locale.value, { ...options, timeZone: tz })));
  return found;
}

/** A day is the same everywhere: read and written in UTC. */
export function day(text: string, year = false): string {
  return format({ day: "numeric", month: "short", ...(year ? { year: "numeric" } : {}) }, "UTC").format(Date.parse(text.slice(0, 10)));
}

/** Two days; or from where one hour begins to where another one ends. */
export function days(from: string, to: string): string {
  if (from.length > 10) {
    const hours = format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, zone.value);
    return `${hours.format(Date.parse(from))} – ${hours.format(Date.parse(to) + 3_600_000)}`;
  }
  const year = !from.startsWith(new Date().toISOString().slice(0, 4)) || from.slice(0, 4) !== to.slice(0, 4);
  const options: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", ...(year ? { year: "numeric" } : {}) };
  const made = format(options, "UTC");
  if (from === to) return made.format(Date.parse(from));
  // In Chinese the range of two short days is written with slashes, unlike one day: it is put together here.
  if (language.value === "zh") return `${made.format(Date.parse(from))}–${made.format(Date.parse(to))}`;
  return made.formatRange(Date.parse(from), Date.parse(to));
}

/** A point of an axis: short. */
export function tick(time: string, interval: Interval): string {
  if (interval === "hour" || interval === "minute") {
    const clock = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, zone.value).format(Date.parse(time));
    return clock === "00:00" ? format({ day: "numeric", month: "short" }, zone.value).format(Date.parse(time)) : clock;
  }
  if (interval === "month") return format({ month: "short", year: "numeric" }, "UTC").format(Date.parse(time.slice(0, 10)));
  return day(time);
}

/** A point in words, as a tooltip heads it. */
export function point(time: string, interval: Interval): string {
  if (interval === "hour" || interval === "minute") {
    return format({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, zone.value).format(Date.parse(time));
  }
  if (interval === "month") return format({ month: "long", year: "numeric" }, "UTC").format(Date.parse(time.slice(0, 10)));
  if (interval === "week") {
    const first = Date.parse(time.slice(0, 10));
    return format({ day: "numeric", month: "short", year: "numeric" }, "UTC").formatRange(first, first + 6 * 86_400_000);
  }
  return format({ weekday: "short", day: "numeric", month: "short", year: "numeric" }, "UTC").format(Date.parse(time.slice(0, 10)));
}

/** A moment, exact and with its zone: for tooltips. */
export function moment(time: string): string {
  return format({ dateStyle: "medium", timeStyle: "long" }, zone.value).format(Date.parse(time));
}

/** The time of day with seconds. */
export function clock(time: string): string {
  return format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }, zone.value).format(Date.parse(time));
}

/** Within an hour "12 s ago", else the moment in short. */
export function relative(time: string, now = Date.now()): string {
  const seconds = Math.round((now - Date.parse(time)) / 1000);
  if (seconds < 1) return t("common.now");
  if (seconds < 3600) return t("common.ago", { time: duration(seconds < 60 ? seconds : Math.floor(seconds / 60) * 60) });
  return format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, zone.value).format(Date.parse(time));
}

/** How many of these points have begun: days and months by the day of the server's zone, the rest by the clock. */
export function reached(times: readonly string[]): number {
  const today = new Intl.DateTimeFormat("sv-SE", { timeZone: zone.value }).format(Date.now());
  let count = times.length;
  while (count > 0) {
    const time = times[count - 1]!;
    if (time.length > 10 ? Date.parse(time) <= Date.now() : time <= today) break;
    count--;
  }
  return count;
}
