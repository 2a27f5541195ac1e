/** What the API answers, as far as more than one page reads it. Times are RFC 3339 or days; shares 0 to 1. */

export interface Point { time: string; pv: number; uv: number }
export interface Series { data: Point[]; before?: Point[] }

export interface Ranked { value: string; pv: number; uv: number; share: number; before?: { pv: number; uv: number } }
export interface Top { data: Ranked[]; total?: { pv: number; values?: number } }

export interface Count { eventDate: string; eventKey: string; eventData: { pv: number; uv?: number } }
export interface Counts { data: Count[]; next: string | null }

export interface Figures {
  visitors: number | null;
  views: number | null;
  visits: number | null;
  bounce_rate: number | null;
  duration_s: number | null;
  events?: number | null;
}
export interface Summary { data: Figures; before?: Figures }

export interface Sessions {
  data: { time: string; sessions: number; bounces: number; pages: number; duration_s: number }[];
}

export interface Balance { received: number; stored: number; duplicate: number; rejected: number; queued: number }
export interface Ledger { data: ({ topic: string; minute: string } & Balance)[]; total: Balance; balanced: boolean }
export interface Lag {
  data: { group: string; topic: string; shard: string; events: number; seconds: number }[];
  events: number;
  seconds: number;
  drain: { rate: number; seconds: number | null };
}

export interface About {
  version: string;
  timezone: string;
  collect: string[];
  sites?: string[];
  topics?: (string | { name: string })[];
  products?: (string | { name: string })[];
  geo?: boolean | string | null;
  first?: string | null;
}

export interface Session { signed_in: boolean; required: boolean; role: "admin" | "read" | "share" | "local" | ""; site: string; password: boolean; may_change: boolean; view: string }

export interface LiveEvent {
  receipt: string; received: string; time: string; topic: string; key: string;
  site?: string; url?: string; referrer_host?: string; browser?: string; os?: string; device?: string; bot?: boolean;
}
export interface Visitors {
  visitors: number; views: number;
  data: { time: string; visitors: number; views: number }[];
  pages: { value: string; visitors: number }[];
}

/** A condition of `filters`. */
export type Op = "is" | "is_not" | "contains" | "starts_with" | "in";
export interface Condition { op: Op; field: string; value: string | string[] }
