/** Light or dark: the system's, until somebody chooses. */
import { computed, ref, watchEffect } from "vue";

import { keep, kept } from "@/state/kept";

type Theme = "light" | "dark";
const system = matchMedia("(prefers-color-scheme: dark)");
const systemDark = ref(system.matches);
const chosen = ref(kept("theme") as Theme | null);
system.addEventListener("change", (event) => { systemDark.value = event.matches; });

export const theme = computed<Theme>(() => chosen.value ?? (systemDark.value ? "dark" : "light"));

export function switchTheme(): void {
  const next: Theme = theme.value === "dark" ? "light" : "dark";
  // Back at what the system says, it is the system that decides again.
  chosen.value = next === (systemDark.value ? "dark" : "light") ? null : next;
  keep("theme", chosen.value);
}

watchEffect(() => { document.documentElement.dataset.theme = theme.value; });
