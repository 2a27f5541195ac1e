/** Figures as text: exact up to 99,999, then short; "—" where there is no data. */
import { language, locale, t } from "@/i18n";

const formats = new Map<string, Intl.NumberFormat>();

function format(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale.value + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.NumberFormat(locale.value, options)));
  return found;
}

export type Maybe = number | null | undefined;
export const NO_DATA = "—";

function missing(value: Maybe): value is null | undefined {
  return value === null || value === undefined || Number.isNaN(value);
}

/** 12,345 · 123 k · 4.56 M; in Chinese 12.3万 · 1.23亿. */
export function short(value: Maybe): string {
  if (missing(value)) return NO_DATA;
  const size = Math.abs(value);
  if (size < 99_999.5) return format({ maximumFractionDigits: size < 10 && !Number.isInteger(value) ? 1 : 0 }).format(value);
  const steps: [number, string][] = language.value === "zh"
    ? [[1e12, "万亿"], [1e8, "亿"], [1e4, "万"]]
    : [[1e12, "\u202fT"], [1e9, "\u202fG"], [1e6, "\u202fM"], [1e3, "\u202fk"]];
  const [step, name] = steps.find(([least]) => size >= least * 0.9995)!;
  return format({ maximumSignificantDigits: 3 }).format(value / step) + name;
}

export function exact(value: Maybe): string {
  return missing(value) ? NO_DATA : format({ maximumFractionDigits: 6 }).format(value);
}

/** A share of 0 to 1: "12.3 %". */
export function percent(share: Maybe): string {
  return missing(share) || !Number.isFinite(share) ? NO_DATA : format({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(share);
}

/** "1 m 12 s"; below a minute with one decimal where that says something. */
export function duration(seconds: Maybe): string {
  if (missing(seconds)) return NO_DATA;
  const unit = language.value === "zh"
    ? { d: "天", h: "小时", m: "分", s: "秒", ms: "毫秒" } : { d: "d", h: "h", m: "m", s: "s", ms: "ms" };
  if (seconds > 0 && seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))}\u202f${unit.ms}`;
  if (seconds < 10) return `${format({ maximumFractionDigits: 1 }).format(seconds)}\u202f${unit.s}`;
  const whole = Math.round(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), unit.d], [Math.floor(whole / 3600) % 24, unit.h], [Math.floor(whole / 60) % 60, unit.m], [whole % 60, unit.s],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts.slice(first, first + 2).filter(([count], place) => count || !place).map(([count, name]) => `${count}\u202f${name}`).join(" ");
}

/** The same of milliseconds; none of them are "0 ms". */
export function milliseconds(value: Maybe): string {
  if (value === 0) return `0\u202f${language.value === "zh" ? "毫秒" : "ms"}`;
  return duration(missing(value) ? null : value / 1000);
}

/** 1.2 kB, 3.4 MB. */
export function bytes(size: Maybe): string {
  if (missing(size)) return NO_DATA;
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = size, place = 0;
  while (value >= 999.5 && place < units.length - 1) { value /= 1000; place++; }
  return `${format({ maximumSignificantDigits: 3 }).format(value)}\u202f${units[place]}`;
}

/** The change from `before` to `now`, as a part of `before`; null where there was nothing. */
export function change(now: Maybe, before: Maybe): number | null {
  if (missing(now) || missing(before) || before === 0) return null;
  return (now - before) / before;
}

/** "+12.3 %". */
export function signed(part: number): string {
  const size = Math.abs(part);
  return format({
    style: "percent", signDisplay: "exceptZero", maximumFractionDigits: size >= 10 ? 0 : 1, minimumFractionDigits: size >= 10 ? 0 : 1,
  }).format(part).replace("-", "\u2212");
}

export function rate(perSecond: Maybe): string {
  return missing(perSecond) ? NO_DATA : `${format({ maximumSignificantDigits: 3 }).format(perSecond)}/${language.value === "zh" ? "秒" : "s"}`;
}

/** "3 rows": the text of `name` with the number in it. */
export function counted(name: string, n: number): string {
  return t(name, { n: n === 1 ? "1" : exact(n) });
}
