/** A tick that makes the figures new: while the page is seen and ranges reach to now. */
import { ref } from "vue";

const EVERY_MS = 30_000;

/** Counts up with each refresh. */
export const refreshed = ref(0);

export function refresh(): void {
  refreshed.value++;
}

setInterval(() => { if (!document.hidden) refresh(); }, EVERY_MS);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
