/** Latencies as bars over classes of duration, with marks at p50, p95 and p99. */
import { grid, tooltip, xAxis, yAxis, type Option } from "@/charts/base";
import { fade, type Palette } from "@/charts/palette";
import { tip } from "@/charts/tip";
import { duration, exact, percent, rate, short } from "@/format/numbers";
import { t } from "@/i18n";

export interface Bucket { ms: number; count: number }
export type Quantiles = Record<"p50" | "p95" | "p99", number | null>;

export function ms(value: number | null | undefined): string {
  return duration(value === null || value === undefined ? null : value / 1000);
}

/** How often: by the second, or by the minute or hour where that says more. */
export function often(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined) return "—";
  if (perSecond >= 1 || perSecond === 0) return rate(perSecond);
  const minute = perSecond >= 1 / 60;
  return t(minute ? "requests.per_minute" : "requests.per_hour", { n: exact(Number((perSecond * (minute ? 60 : 3600)).toPrecision(3))) });
}

/** Where a duration lies on an axis of classes: between the two bounds that it falls between. */
export function place(buckets: readonly Bucket[], value: number): number {
  const at = buckets.findIndex((bucket) => value <= bucket.ms);
  if (at < 0) return buckets.length - 0.5;
  const low = at ? buckets[at - 1]!.ms : 0, high = buckets[at]!.ms;
  return at - 0.5 + (high > low ? (value - low) / (high - low) : 0.5);
}

export function histogram(buckets: readonly Bucket[], marks: Quantiles, colours: Palette): Option {
  const colour = colours.series[0]!, all = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const lines = (["p50", "p95", "p99"] as const).filter((name) => marks[name] !== null).map((name, n) => ({
    name, xAxis: place(buckets, marks[name]!),
    lineStyle: { color: [colours.series[2], colours.series[1], colours.series[5]][n], type: "solid", width: 1.5 },
    label: { formatter: `${name} ${ms(marks[name])}`, position: "end", color: colours.text, fontSize: 12, distance: n === 1 ? 20 : 4, align: n === 2 ? "left" : "center" },
  }));
  return {
    grid: grid({ top: 44, right: 64 }),
    tooltip: tooltip({ trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: fade(colours.series[6]!, 0.08) } }, formatter: (given: unknown) => {
      const at = (given as { dataIndex: number }[])[0]?.dataIndex ?? 0, bucket = buckets[at];
      if (!bucket) return "";
      return tip(t("requests.upto", { time: ms(bucket.ms) }), [{ name: t("requests.count"), value: exact(bucket.count), mark: "s1", note: all ? percent(bucket.count / all) : "" }]);
    } }),
    // The bars stand on names, the marks need numbers: a second axis counts the same places.
    xAxis: [
      xAxis({ data: buckets.map((bucket) => ms(bucket.ms)) }),
      { type: "value", min: -0.5, max: Math.max(0.5, buckets.length - 0.5), show: false },
    ],
    yAxis: yAxis({ minInterval: 1, axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: colours.muted, fontSize: 12, formatter: (value: number) => short(value) } }),
    series: [
      { type: "bar", data: buckets.map((bucket) => bucket.count), barCategoryGap: "8%", itemStyle: { color: fade(colour, 0.8), borderRadius: [2, 2, 0, 0] } },
      { type: "line", xAxisIndex: 1, data: [], markLine: { symbol: "none", silent: true, animation: false, data: lines } },
    ],
  };
}
