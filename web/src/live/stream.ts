/** The stream of stored events: newest first, held while paused, connected again by itself. */
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from "vue";

import { url, type Params } from "@/api/client";
import type { LiveEvent } from "@/api/types";

export interface Stream {
  events: ShallowRef<LiveEvent[]>;
  state: Ref<"connecting" | "connected" | "lost">;
  paused: Ref<boolean>;
  /** How many came while paused; the newest of them are shown when it goes on. */
  waiting: ComputedRef<number>;
  /** Events of the last ten seconds, a second. */
  rate: Ref<number>;
  clear: () => void;
}

const MOST = 200;
const AGAIN_MS = 3_000;
const WINDOW_MS = 10_000;

export function useStream(params: () => Params): Stream {
  const events = shallowRef<LiveEvent[]>([]);
  const held = shallowRef<LiveEvent[]>([]);
  const heldCount = ref(0);
  const state = ref<"connecting" | "connected" | "lost">("connecting");
  const paused = ref(false);
  const rate = ref(0);
  let arrivals: number[] = [];
  let fresh: LiveEvent[] = [];
  let source: EventSource | undefined;
  let again = 0;

  function connect(): void {
    source?.close();
    clearTimeout(again);
    source = new EventSource(url("live", params()));
    source.onopen = () => { state.value = "connected"; };
    source.onerror = () => {
      state.value = "lost";
      // A refused stream is not tried again by the browser.
      if (source?.readyState === EventSource.CLOSED) again = window.setTimeout(connect, AGAIN_MS);
    };
    source.addEventListener("event", (message) => {
      fresh.push(JSON.parse((message as MessageEvent<string>).data) as LiveEvent);
      arrivals.push(Date.now());
    });
  }

  // A look of the server brings many at once: one change of the page for all of them.
  const timer = setInterval(() => {
    const now = Date.now();
    arrivals = arrivals.filter((at) => at > now - WINDOW_MS);
    rate.value = arrivals.length / (WINDOW_MS / 1000);
    if (!fresh.length) return;
    const newest = fresh.reverse();
    fresh = [];
    if (paused.value) {
      held.value = [...newest, ...held.value].slice(0, MOST);
      heldCount.value += newest.length;
    } else {
      events.value = [...newest, ...events.value].slice(0, MOST);
    }
  }, 250);

  watch(paused, (on) => {
    if (on) return;
    events.value = [...held.value, ...events.value].slice(0, MOST);
    held.value = [];
    heldCount.value = 0;
  });
  watch(() => JSON.stringify(params()), () => { events.value = []; held.value = []; heldCount.value = 0; state.value = "connecting"; connect(); }, { immediate: true });
  onScopeDispose(() => { source?.close(); clearInterval(timer); clearTimeout(again); });
  return { events, state, paused, waiting: computed(() => heldCount.value), rate, clear: () => { events.value = []; } };
}
