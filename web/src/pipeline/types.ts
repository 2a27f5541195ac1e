/** What the routes of the pipeline answer. */
import type { Balance } from "@/api/types";

export interface Process { name: string; role: string; pid: number | null; ready: boolean; restarts: number; started: string | null }
export interface Rate { step: string; rate: number | null; errors: number | null; busy: number | null }
export interface Waiting { group: string; topic: string; shard: string; events: number; seconds: number }
export interface PipelineAnswer {
  processes: Process[];
  rates: Rate[];
  ledger: { total: Balance; balanced: boolean };
  lag: Waiting[];
  waiting: number;
  seconds: number;
  drain: { rate: number; seconds: number | null };
  store: { rows: number; bytes: number; parts: number };
  queue: { bytes: number; files: number; quota: number } | null;
  disk: { free: number; total: number; reserve: number };
  trouble: string | null;
}

export interface Reject {
  id: string; topic: string; reason: string; received: string; bytes: string; detail: string; event_id: string; bytes_base64: string;
}
export interface Rejects { data: Reject[]; next: string | null }

export interface Traced {
  state: "stored" | "queued" | "duplicate" | "rejected";
  receipt: string; topic: string; key?: string; received?: string; time?: string; id?: string;
  event?: Record<string, unknown>; of?: string; reason?: string; detail?: string; bytes?: string; shard?: string; seq?: number;
}
