/** Values as people read them: countries and languages by name, the empty value in words. */
import { known, locale, t } from "@/i18n";

/** The text of a value of this dimension; `faint` where it is no value but says so. */
export function named(dimension: string, value: string): { label: string; faint: boolean } {
  if (value === "") return { label: t(dimension === "source" ? "names.direct" : "common.none"), faint: true };
  if (dimension === "country") return { label: display("region", value.toUpperCase()), faint: false };
  if (dimension === "language") return { label: display("language", value), faint: false };
  if (dimension === "channel" || dimension === "device") {
    const text = t(`names.${value.toLowerCase()}`);
    return { label: text.startsWith("names.") ? value : text, faint: false };
  }
  if (dimension === "bot") return { label: t(value === "true" ? "names.bots" : "names.people"), faint: false };
  return { label: value, faint: false };
}

function display(type: "region" | "language", code: string): string {
  try {
    return new Intl.DisplayNames([locale.value], { type }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** A field as people call it; a property by its own name. */
export function fieldName(name: string): string {
  if (name.startsWith("props.")) return name.slice(6);
  return known(`common.f_${name}`) ? t(`common.f_${name}`) : name;
}
