export default {
  title: "Flows", hint: "The ways through the pages that most visits take, step by step.",
  hint_from: "What visits do after {page}.", hint_to: "How visits come to {page}.",
  sessions: "{n} visit|{n} visits", by: "Steps are", by_page: "Pages", by_key: "Events", steps: "Steps", links: "Links",
  start: "From", end: "To", start_hint: "any page", end_hint: "any page", from_here: "From here", to_here: "To here", both: "Any",
  step: "Step", from: "From", to: "To", visits: "Visits", share: "Share of step", exits: "Where visits end", exits_hint: "Last page of the visits shown, by step",
  exits_share: "Share of its visits", other: "(other)", empty: "No visit of two steps or more", empty_text: "Choose more days, another page, or remove a filter.",
  steps_n: "{n} steps", end_none: "No visit ends within these steps.",
  summary: "{n} visits. The most frequent step is {from} to {to}, with {visits} visits.", tip_in: "in this step", tip_of: "of its visits", pick: "Click a page to see what follows it.",
};
