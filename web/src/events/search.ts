/** A search that waits until one stops typing. `/` puts the cursor into the page's first field for it. */
import { onScopeDispose, ref, watch, type Ref } from "vue";

import { onKey } from "@/shell/keyboard";

const PAUSE_MS = 250;

export function useSearch(): { typed: Ref<string>; search: Ref<string> } {
  const typed = ref(""), search = ref("");
  let waiting = 0;
  watch(typed, (text) => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => { search.value = text.trim(); }, text ? PAUSE_MS : 0);
  });
  onScopeDispose(() => clearTimeout(waiting));
  onKey("/", () => document.querySelector<HTMLElement>("[data-search]")?.focus());
  return { typed, search };
}
