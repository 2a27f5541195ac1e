export default {
  goals: "Goals", goals_hint: "Share of all visitors that reached each", goal: "Goal", conversions: "Conversions", rate: "Rate", make_goal: "Make a goal",
  no_goals_text: "A goal is a page visited or an event sent; its conversion is shown here.",
  title: "Funnel", hint: "How many visitors go from step to step, in this order, within the window.", build: "Steps", build_hint: "The link of this page holds them: copy it to keep or share the funnel.",
  step: "Step {n}", name: "Name", name_hint: "e.g. Cart", add_step: "Add a step", remove_step: "Remove step {n}", up: "Move step {n} up", down: "Move step {n} down",
  add_condition: "Add a condition", remove_condition: "Remove the condition", field: "Field", op: "Condition", value: "Value", any: "Any event counts.",
  window: "Within", w_30m: "30 minutes", w_1h: "1 hour", w_1d: "1 day", w_7d: "7 days", w_30d: "30 days",
  visitors: "Visitors", share: "Of all", step_share: "Of the step before", drop: "Left", few: "A funnel has 2 to 10 steps", few_text: "Give at least two steps a name and a condition.",
  suggest: "Take the three most viewed pages", empty: "Nobody took the first step", empty_text: "Check the conditions of the first step, or choose more days.",
  dropped: "{n} visitor left after “{name}” ({share})|{n} visitors left after “{name}” ({share})", kept: "Nobody left after “{name}”", reached: "{share} of those who began reached “{name}”.",
  overall: "{share} of {n} visitor go all the way|{share} of {n} visitors go all the way", summary: "{first} visitors began, {last} reached the last step.", all_steps: "All steps", incomplete: "Step {n} has a condition without a value: it is left out.",
};
