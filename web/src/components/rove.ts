/** Arrows in a table: one of its links is a stop of the Tab key, arrows lead to the others, Enter opens. */
import type { Directive } from "vue";

const stops = new WeakMap<HTMLElement, HTMLElement>();

function grid(table: HTMLElement): HTMLElement[][] {
  return [...table.querySelectorAll("tbody tr")]
    .map((row) => [...row.querySelectorAll<HTMLElement>("a[href], button:not(:disabled)")]).filter((row) => row.length);
}

/** Rows come and go: the stop stays where it is, else it is the first. */
function settle(table: HTMLElement): void {
  const all = grid(table).flat();
  const before = stops.get(table);
  const stop = before && all.includes(before) ? before : all[0];
  if (stop) stops.set(table, stop);
  for (const each of all) {
    const index = each === stop ? 0 : -1;
    if (each.tabIndex !== index || !each.hasAttribute("tabindex")) each.tabIndex = index;
  }
}

function focused(event: FocusEvent): void {
  const table = event.currentTarget as HTMLElement;
  stops.set(table, event.target as HTMLElement);
  settle(table);
}

function pressed(event: KeyboardEvent): void {
  if (event.metaKey || event.ctrlKey || event.altKey || event.shiftKey) return;
  const rows = grid(event.currentTarget as HTMLElement);
  const down = rows.findIndex((row) => row.includes(event.target as HTMLElement));
  if (down < 0) return;
  const across = rows[down]!.indexOf(event.target as HTMLElement);
  const to: Record<string, [number, number]> = {
    ArrowDown: [down + 1, across], ArrowUp: [down - 1, across], ArrowRight: [down, across + 1], ArrowLeft: [down, across - 1],
    Home: [0, across], End: [rows.length - 1, across],
  };
  const wanted = to[event.key];
  if (!wanted) return;
  event.preventDefault();
  const row = rows[Math.min(rows.length - 1, Math.max(0, wanted[0]))]!;
  row[Math.min(row.length - 1, Math.max(0, wanted[1]))]?.focus();
}

export const vRove: Directive<HTMLElement> = {
  mounted(table) {
    table.addEventListener("focusin", focused);
    table.addEventListener("keydown", pressed);
    settle(table);
  },
  updated: settle,
};
