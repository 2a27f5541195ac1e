/** What the server says of itself, asked once before the first page is drawn. */
import { computed, ref, shallowRef } from "vue";

import { ask } from "@/api/client";
import type { About, Session } from "@/api/types";

export const about = shallowRef<About>({ version: "", timezone: "UTC", collect: [] });
export const session = shallowRef<Session>({ signed_in: false, required: false, role: "local", site: "", password: false, may_change: true, view: "" });

/** Whether the server has answered, or failed to. */
export const learned = ref(false);

/** The zone of all days: the server's, whose days are counted beforehand. */
export const zone = computed(() => about.value.timezone || "UTC");

/** Who may change settings: where there is a password, who sits at the machine must sign in for it too. */
export const mayChange = computed(() => session.value.may_change);

/** Who may see them, and sign in to change them. */
export const local = computed(() => session.value.role === "admin" || session.value.role === "local");

export async function learn(): Promise<void> {
  const [who, what] = await Promise.allSettled([ask<Session>("session"), ask<About>("about")]);
  if (who.status === "fulfilled") session.value = who.value;
  if (what.status === "fulfilled") about.value = what.value;
  learned.value = true;
}
