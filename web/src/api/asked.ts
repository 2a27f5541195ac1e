/** One question and the state of its answer, as a card shows it. */
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from "vue";

import { ask, Problem, type Params } from "@/api/client";
import { refreshed } from "@/state/refresh";

export interface Asked<T> {
  /** The newest answer; that of the question before while a new one is asked. */
  data: ShallowRef<T | undefined>;
  /** An answer is awaited for the first time: show the skeleton. */
  loading: ComputedRef<boolean>;
  /** What is shown answers another question than the one now asked: show it grey. */
  stale: ComputedRef<boolean>;
  error: Ref<Problem | undefined>;
  retry: () => void;
}

/** Asks whenever `question()` changes, and again, without a flicker, with each refresh. null asks nothing. */
export function useAsked<T>(question: () => readonly [route: string, params?: Params] | null, options: { live?: boolean } = {}): Asked<T> {
  return useAnswer<T>(
    () => question(),
    (asked, signal) => ask<T>((asked as [string])[0], (asked as [string, Params])[1], signal),
    options,
  );
}

/** The same with a function of one's own, for answers that are made of several. */
export function useAnswer<T, Q = unknown>(
  question: () => Q | null, answer: (question: Q, signal: AbortSignal) => Promise<T>, options: { live?: boolean } = {},
): Asked<T> {
  const data = shallowRef<T>();
  const error = ref<Problem>();
  const shown = ref("");
  const wanted = computed(() => JSON.stringify(question()));
  let running: AbortController | undefined;

  async function run(): Promise<void> {
    running?.abort();
    const asked = question();
    if (asked === null) return;
    const key = wanted.value;
    const mine = (running = new AbortController());
    try {
      const got = await answer(asked, mine.signal);
      if (mine.signal.aborted) return;
      data.value = got;
      error.value = undefined;
      shown.value = key;
    } catch (failed) {
      if (mine.signal.aborted) return;
      error.value = failed instanceof Problem ? failed : new Problem(0, "fault", String(failed));
    } finally {
      if (running === mine) running = undefined;
    }
  }

  watch(wanted, run, { immediate: true });
  if (options.live !== false) watch(refreshed, () => { if (!running) void run(); });
  onScopeDispose(() => running?.abort());
  return {
    data,
    loading: computed(() => data.value === undefined && error.value === undefined),
    stale: computed(() => data.value !== undefined && shown.value !== wanted.value && error.value === undefined),
    error,
    retry: () => { error.value = undefined; void run(); },
  };
}
