import "@/styles/tokens.css";
import "@/styles/base.css";
import "@/styles/tip.css";
import "@/styles/print.css";
import "@/state/theme";

import { createApp } from "vue";

import App from "@/App.vue";
import { preferred, speak } from "@/i18n";
import { page } from "@/router";
import { learn } from "@/state/about";

// All at once: what the server says of itself, the texts, the page's own script. The frame is drawn as soon as it has
// words; the page in it once the server's zone is known.
void learn();
void page.value?.load();
await speak(preferred());
createApp(App).mount("#app");
