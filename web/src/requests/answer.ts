/** What `requests` answers. */
import type { Bucket } from "@/requests/histogram";
import type { Interval } from "@/state/range";

export interface Figures {
  count: number; share: number; rate: number; errors: number; error_rate: number; p50: number | null; p95: number | null; p99: number | null; bytes: number | null;
}
export interface RequestsAnswer {
  data: (Figures & { value: string })[];
  total: Figures;
  before?: Partial<Figures> & { total?: Partial<Figures> };
  series: { time: string; count: number; errors: number; p50: number | null; p95: number | null; p99: number | null }[];
  histogram: Bucket[];
}

/** How far apart the points of a series are: the server chooses. */
export function spacing(times: readonly string[]): Interval {
  const [first, second] = times;
  if (!first || !second) return "day";
  const hours = (Date.parse(second) - Date.parse(first)) / 3_600_000;
  return hours < 1 ? "minute" : hours < 20 ? "hour" : hours < 150 ? "day" : hours < 600 ? "week" : "month";
}
