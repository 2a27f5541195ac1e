export default {
  title: "Retention", hint: "Of the visitors first seen in a period, how many came back later.", cohort: "First seen", visitors: "Visitors",
  by: "Periods are", day: "Days", week: "Weeks", month: "Months", periods: "Periods", again: "Came back for", again_any: "any event", again_hint: "key of an event, e.g. order.paid",
  mean: "All", at_day: "Day {n}", at_week: "Week {n}", at_month: "Month {n}", empty: "No visitors in these days",
  empty_text: "Retention needs events that name a user. Choose more days or remove a filter.", of: "{n} of {all} visitors", so_far: "This period is not over yet.",
  few: "The range has a single period: choose more days, or shorter periods.", curve: "On average", curve_hint: "Share of visitors that came back, all cohorts together",
  summary: "{cohorts} cohorts. After one period {share} came back on average.", percent: "Percent", counts: "Visitors", show: "Cells show",
};
