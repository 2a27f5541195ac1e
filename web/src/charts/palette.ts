/** The colours of charts, read from the tokens whenever the theme changes: the canvas knows no CSS variables. */
import { computed } from "vue";

import { theme } from "@/state/theme";

export const palette = computed(() => {
  void theme.value;
  const style = getComputedStyle(document.documentElement);
  // The attribute is set in the same turn: read what it makes, not what it was.
  document.documentElement.dataset.theme = theme.value;
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    series: Array.from({ length: 8 }, (_, n) => read(`s${n + 1}`)),
    text: read("text"), muted: read("muted"), border: read("border"), card: read("card"), page: read("page"),
    accent: read("accent"), good: read("good"), warn: read("warn"), bad: read("bad"), hover: read("hover"),
  };
});

export type Palette = typeof palette.value;

/** A colour of the palette, let through: `fade("#2f6fed", 0.45)`. */
export function fade(hex: string, part: number): string {
  const digits = /^#([0-9a-f]{6})$/i.exec(hex)?.[1];
  if (!digits) return hex;
  const [r, g, b] = [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16));
  return `rgba(${r}, ${g}, ${b}, ${part})`;
}

/** The font of the page, for text that a canvas draws. */
export function fontFamily(): string {
  return getComputedStyle(document.body).fontFamily;
}
