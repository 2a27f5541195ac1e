/** Two languages, one file for each page in each: `t("overview.title")` is `title` of `overview.ts`.
 *
 * `{name}` is replaced by a value; "one|many" is chosen by `n`. */
import { computed, ref, shallowRef } from "vue";

import { keep, kept } from "@/state/kept";

export type Language = "en" | "zh";
type Texts = Record<string, Record<string, string>>;

export const LANGUAGES: readonly { code: Language; name: string }[] = [{ code: "en", name: "English" }, { code: "zh", name: "中文" }];
const LOAD: Record<Language, () => Promise<{ default: Texts }>> = { en: () => import("./en"), zh: () => import("./zh") };

export const language = ref<Language>("en");
const texts = shallowRef<Texts>({});

/** The locale of numbers and dates: the browser's where it is of this language. */
export const locale = computed(() => {
  const own = navigator.languages.find((name) => name.toLowerCase().startsWith(language.value));
  return own ?? (language.value === "zh" ? "zh-CN" : "en-GB");
});

export async function speak(code: Language, remember = false): Promise<void> {
  texts.value = (await LOAD[code]()).default;
  language.value = code;
  document.documentElement.lang = code === "zh" ? "zh-CN" : "en";
  if (remember) keep("language", code);
}

/** The language chosen before, else the browser's, else English. */
export function preferred(): Language {
  const chosen = kept("language");
  if (chosen === "en" || chosen === "zh") return chosen;
  return navigator.languages.some((name) => name.startsWith("zh")) && !navigator.languages[0]?.startsWith("en") ? "zh" : "en";
}

export function t(name: string, values: Record<string, string | number> = {}): string {
  const dot = name.indexOf(".");
  let text = texts.value[name.slice(0, dot)]?.[name.slice(dot + 1)];
  if (text === undefined) return name;
  if (text.includes("|")) {
    const [single, many] = text.split("|") as [string, string];
    text = String(values.n) === "1" ? single : many;
  }
  return text.replace(/\{(\w+)\}/g, (whole, key: string) => (key in values ? String(values[key]) : whole));
}

/** Whether there is such a text: names of fields may be anybody's. */
export function known(name: string): boolean {
  const dot = name.indexOf(".");
  return texts.value[name.slice(0, dot)]?.[name.slice(dot + 1)] !== undefined;
}
