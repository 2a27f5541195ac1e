/** What counts as use of a site: everything but request logs and log lines, unless one asks for a topic. */
import { computed } from "vue";

import type { Condition } from "@/api/types";
import { conditions } from "@/state/filters";

const LOGS = ["request", "log"];

export const onlyUse = computed<Condition[]>(() =>
  conditions.value.some((one) => one.field === "topic") ? [] : LOGS.map((value) => ({ op: "is_not", field: "topic", value })),
);
