/** What is wrong with the pipeline, where, and what mends it. */
import { bytes, duration, exact, percent } from "@/format/numbers";
import { t } from "@/i18n";
import type { PipelineAnswer } from "@/pipeline/types";

export type Part = "door" | "queue" | "worker" | "store" | "ledger";
export interface Trouble { part: Part; level: "bad" | "warn"; text: string; mend: string }

const LATE_S = 60, NEARLY_FULL = 0.9, MANY_PARTS = 300, RECENT_MS = 3_600_000;

export function troubles(now: PipelineAnswer): Trouble[] {
  const found: Trouble[] = [];
  const add = (part: Part, level: "bad" | "warn", name: string, values: Record<string, string | number> = {}) =>
    found.push({ part, level, text: t(`pipeline.t_${name}`, values), mend: t(`pipeline.m_${name}`) });
  const collectors = now.processes.filter((one) => one.role === "collector");
  const down = collectors.filter((one) => !one.ready).length;
  // Where no parent runs here, the processes are on other machines: that is no fault.
  if (collectors.length && down === collectors.length) add("door", "bad", "no_collector");
  else if (down) add("door", "warn", "collectors", { down, all: collectors.length });
  if ((now.rates.find((one) => one.step === "queue")?.errors ?? 0) > 0) add("queue", "bad", "commit");
  if (now.disk.free < now.disk.reserve * 2) {
    add("queue", now.disk.free < now.disk.reserve ? "bad" : "warn", "disk", { free: bytes(now.disk.free), reserve: bytes(now.disk.reserve) });
  }
  if (now.queue && now.queue.bytes > NEARLY_FULL * now.queue.quota) {
    add("queue", now.queue.bytes >= now.queue.quota ? "bad" : "warn", "quota", { share: percent(now.queue.bytes / now.queue.quota) });
  }
  if (now.processes.some((one) => one.role === "engine" && !one.ready)) add("worker", "bad", "engine");
  if (now.trouble) add("worker", "bad", "trouble", { text: now.trouble });
  else if (now.waiting && now.drain.seconds === null && now.seconds > 5) add("worker", "bad", "standing", { n: exact(now.waiting) });
  else if (now.seconds > LATE_S) add("worker", "warn", "late", { time: duration(now.seconds) });
  for (const one of now.processes) {
    // One of long ago is history: it stands in the table of processes.
    const recent = !one.started || Date.now() - Date.parse(one.started) < RECENT_MS;
    if (one.restarts && recent) add(one.role === "engine" ? "worker" : "door", "warn", "restarts", { name: one.name, n: String(one.restarts) });
  }
  if (now.store.parts > MANY_PARTS) add("store", "warn", "parts", { n: exact(now.store.parts) });
  if (!now.ledger.balanced) add("ledger", "bad", "ledger");
  return found.sort((a, b) => Number(b.level === "bad") - Number(a.level === "bad"));
}
