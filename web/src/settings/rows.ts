/** One list of the settings: read, added to, removed from, with what came of it in words. */
import { ref, type Ref } from "vue";

import { useAsked, type Asked } from "@/api/asked";
import { Problem, send } from "@/api/client";
import { t } from "@/i18n";

export interface Rows<T> {
  asked: Asked<{ data: T[] }>;
  busy: Ref<boolean>;
  /** The last thing that happened, good or not. */
  said: Ref<string>;
  failed: Ref<boolean>;
  /** The added row, undefined where it was refused. */
  add: <R = T>(body: unknown, name: string) => Promise<R | undefined>;
  remove: (id: string | number, name: string) => Promise<void>;
}

export function useRows<T>(route: string): Rows<T> {
  const asked = useAsked<{ data: T[] }>(() => [route]);
  const busy = ref(false), said = ref(""), failed = ref(false);

  async function attempt<R>(act: () => Promise<R>, done: string): Promise<R | undefined> {
    busy.value = true;
    try {
      const answer = await act();
      failed.value = false;
      said.value = done;
      asked.retry();
      return answer;
    } catch (error) {
      failed.value = true;
      said.value = t("settings.failed", { text: reason(error) });
      return undefined;
    } finally {
      busy.value = false;
    }
  }

  return {
    asked, busy, said, failed,
    add: <R = T>(body: unknown, name: string) => attempt(() => send<R>("POST", route, body), t("settings.added", { name })),
    remove: async (id, name) => { await attempt(() => send<void>("DELETE", `${route}/${encodeURIComponent(id)}`), t("settings.removed", { name })); },
  };
}

export function reason(error: unknown): string {
  return error instanceof Problem ? error.detail || error.title || t("common.error_unreachable") : String(error);
}
