import "@/styles/tokens.css";
import "@/styles/base.css";
import "@/styles/tip.css";
import "@/styles/print.css";
import "@/state/theme";

import { createApp } from "vue";

import App from "@/App.vue";
import { preferred, speak } from "@/i18n";
import { learn } from "@/state/about";

// The first page is drawn once: in its language, and in the server's zone.
await Promise.all([speak(preferred()), learn()]);
createApp(App).mount("#app");
