/** How much of the hue a share has, in percent: ten steps, full at half of the visitors, since few cohorts keep more. */
const PARTS = [0, 7, 13, 19, 25, 31, 37, 43, 49, 55, 60] as const;

export function shade(share: number): number {
  return PARTS[Math.min(10, Math.max(0, Math.round(share * 20)))]!;
}
