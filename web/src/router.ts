/** Where we are: the page and everything that the URL holds. Back works, every view is a link. */
import { computed, shallowRef, type Component } from "vue";

export type Query = Record<string, string | readonly string[] | undefined>;

export interface Page {
  name: string;
  path: string;
  load: () => Promise<{ default: Component }>;
  /** A page that is drawn without rail and top bar. */
  bare?: boolean;
}

/** Every page. The server answers these paths with the same file: `PAGES` of src/eventmill/web/assets.py. */
export const pages: readonly Page[] = [
  { name: "overview", path: "/", load: () => import("./pages/Overview.vue") },
  { name: "events", path: "/events", load: () => import("./pages/Events.vue") },
  { name: "live", path: "/live", load: () => import("./pages/Live.vue") },
  { name: "flows", path: "/flows", load: () => import("./pages/Flows.vue") },
  { name: "funnels", path: "/funnels", load: () => import("./pages/Funnels.vue") },
  { name: "retention", path: "/retention", load: () => import("./pages/Retention.vue") },
  { name: "requests", path: "/requests", load: () => import("./pages/Requests.vue") },
  { name: "pipeline", path: "/pipeline", load: () => import("./pages/Pipeline.vue") },
  { name: "settings", path: "/settings", load: () => import("./pages/Settings.vue") },
  { name: "signin", path: "/signin", load: () => import("./pages/SignIn.vue"), bare: true },
  { name: "embed", path: "/embed", load: () => import("./pages/Embed.vue"), bare: true },
];

const here = shallowRef(read());

/** The page that is shown; undefined where the path is none of ours. `/embed/TOKEN` is the page `embed`. */
export const page = computed(() => {
  const { path } = here.value;
  return pages.find((one) => one.path === path) ?? pages.find((one) => one.path !== "/" && path.startsWith(`${one.path}/`));
});
export const path = computed(() => here.value.path);
export const query = computed(() => here.value.query);

/** The first value of a parameter, "" where it is not given. */
export function one(name: string): string {
  return here.value.query.get(name) ?? "";
}

/** The address of a page. Without `query` it keeps what all pages share: range, site, key, filters. */
export function address(name: string, change: Query = {}, own: Query = {}): string {
  const target = pages.find((candidate) => candidate.name === name);
  if (!target) throw new Error(`no page ${name}`);
  const kept = new URLSearchParams();
  for (const [key, value] of here.value.query) if (SHARED.includes(key)) kept.append(key, value);
  return target.path + text(changed(changed(kept, change), own));
}

/** What stays in the URL from page to page. */
export const SHARED = ["range", "from", "to", "compare", "site", "key", "f"];

/** The address of this page with some parameters changed; `undefined` or "" takes one away. */
export function here_with(change: Query): string {
  return here.value.path + text(changed(here.value.query, change));
}

/** Changes the URL. `replace` where going back to before would be of no use (typing in a search). */
export function go(to: string, replace = false): void {
  if (to === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  const before = here.value.path;
  here.value = read();
  if (before !== here.value.path) scrollTo(0, 0);
}

/** Changes parameters of this page. */
export function set(change: Query, replace = false): void {
  go(here_with(change), replace);
}

function read(): { path: string; query: URLSearchParams } {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

function changed(query: URLSearchParams, change: Query): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const [key, value] of Object.entries(change)) {
    next.delete(key);
    for (const each of typeof value === "string" ? [value] : (value ?? [])) if (each) next.append(key, each);
  }
  return next;
}

function text(query: URLSearchParams): string {
  // Colons and slashes may stand in a query; a link that can be read is a link that is sent.
  const written = query.toString().replaceAll("%3A", ":").replaceAll("%2F", "/").replaceAll("%2C", ",");
  return written && `?${written}`;
}

addEventListener("popstate", () => { here.value = read(); });
