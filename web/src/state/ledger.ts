/** The ledger and the lag of now, asked every few seconds for whoever shows them. */
import { ref } from "vue";

import { ask } from "@/api/client";
import type { Lag, Ledger } from "@/api/types";

const EVERY_MS = 5_000;

export const ledger = ref<Ledger>();
export const lag = ref<Lag>();
export const ledgerFailed = ref(false);

async function look(): Promise<void> {
  const began = performance.now();
  if (!document.hidden) {
    try {
      [ledger.value, lag.value] = await Promise.all([ask<Ledger>("ledger", { limit: 0 }), ask<Lag>("lag")]);
      ledgerFailed.value = false;
    } catch {
      ledgerFailed.value = true;
    }
  }
  // Where answers take long it asks less often: a look never keeps a server busy.
  setTimeout(look, Math.max(EVERY_MS, 10 * (performance.now() - began)));
}

void look();
