/** What all charts share: the one theme, as parts of an ECharts option. */
import type { EChartsCoreOption } from "echarts/core";

import { fontFamily, palette } from "@/charts/palette";

export type Option = EChartsCoreOption;

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Merged below every chart's own option. */
export function base(): Option {
  const { series, text } = palette.value;
  return {
    color: series,
    textStyle: { color: text, fontFamily: fontFamily(), fontSize: 12 },
    animation: !still.matches,
    animationDuration: 200,
    animationDurationUpdate: 200,
    animationEasing: "cubicOut",
  };
}

export function tooltip(own: Option = {}): Option {
  return {
    className: "chart-tip", backgroundColor: "transparent", borderWidth: 0, padding: 0, confine: true, transitionDuration: 0,
    extraCssText: "box-shadow: none;", textStyle: { color: palette.value.text, fontSize: 12 }, ...own,
  };
}

export function grid(own: Option = {}): Option {
  return { left: 4, right: 8, top: 12, bottom: 4, containLabel: true, ...own };
}

export function xAxis(own: Option): Option {
  const { muted, border } = palette.value;
  return {
    type: "category", axisTick: { show: false }, axisLine: { lineStyle: { color: border } },
    axisLabel: { color: muted, fontSize: 12, hideOverlap: true, margin: 10 }, ...own,
  };
}

export function yAxis(own: Option = {}): Option {
  const { muted, border } = palette.value;
  return {
    type: "value", min: 0, splitNumber: 3, axisLabel: { color: muted, fontSize: 12, margin: 10 },
    splitLine: { lineStyle: { color: border, width: 1 } }, axisPointer: { show: false }, ...own,
  };
}
