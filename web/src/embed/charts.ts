/** The charts that a frame may show, by the last part of its path: /embed/TOKEN/time. */
export const CHARTS = ["time", "pages", "sources", "countries", "browsers", "events", "flows", "requests"] as const;
export type ChartName = (typeof CHARTS)[number];

/** Those that are a ranked list, and of what. */
export const RANKED: Partial<Record<ChartName, string>> = { pages: "page", sources: "source", countries: "country", browsers: "browser", events: "key" };
