/** Keys for the whole dashboard: single letters, and `g` followed by the letter of a page. */
import { onScopeDispose, ref } from "vue";

import { address, go, pages } from "@/router";
import { switchTheme } from "@/state/theme";

/** `g o` overview, and so on. */
export const GO: Record<string, string> = {
  o: "overview", e: "events", l: "live", f: "flows", u: "funnels", r: "retention", q: "requests", p: "pipeline", s: "settings",
};
export const helping = ref(false);
const handlers = new Map<string, (() => void)[]>();
let going = 0;

/** Acts on a key while the component is there; the newest comes first. */
export function onKey(key: string, act: () => void): void {
  handlers.set(key, [...(handlers.get(key) ?? []), act]);
  onScopeDispose(() => handlers.set(key, (handlers.get(key) ?? []).filter((each) => each !== act)));
}

function pressed(event: KeyboardEvent): void {
  if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return;
  const target = event.target as HTMLElement;
  if (target.matches("input, select, textarea, [contenteditable]") || document.querySelector("dialog[open]")) return;
  const now = performance.now();
  if (now - going < 1200 && GO[event.key]) {
    going = 0;
    if (pages.some((page) => page.name === GO[event.key])) go(address(GO[event.key]!));
    event.preventDefault();
    return;
  }
  if (event.key === "g") { going = now; return; }
  if (event.key === "t") switchTheme();
  else if (event.key === "?") helping.value = true;
  else {
    const act = handlers.get(event.key)?.at(-1);
    if (!act) return;
    act();
  }
  event.preventDefault();
}

export function listen(): void {
  addEventListener("keydown", pressed);
}
