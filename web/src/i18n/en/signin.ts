export default {
  title: "Sign in", password: "Password", go: "Sign in", wrong: "This is not the password.", wait: "Too many tries. {text}", show: "Show the password", hide: "Hide the password",
  none: "No password is set", none_text: "On the server, “eventmill password” sets one.", already: "You are signed in.", open: "Open the dashboard", out: "Sign out", failed: "Not signed in: {text}",
  hint: "The one that “eventmill password” has set.",
};
