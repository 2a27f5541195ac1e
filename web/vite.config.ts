import vue from "@vitejs/plugin-vue";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const API = process.env.EVENTMILL_WEB ?? "http://127.0.0.1:8090";

export default defineConfig({
  plugins: [vue({ features: { optionsAPI: false } })],
  base: "/static/",
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: process.env.EVENTMILL_STATIC ?? fileURLToPath(new URL("../src/eventmill/web/static", import.meta.url)),
    emptyOutDir: true,
    // The server has one flat folder of files with a hash in each name.
    assetsDir: "",
    assetsInlineLimit: 0,
    sourcemap: false,
    target: "es2022",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  // `npm run dev` shows the pages of these sources with the figures of a running server.
  server: {
    proxy: {
      "/api": { target: API, changeOrigin: true, configure: (proxy) => proxy.on("proxyReq", (request) => {
        request.removeHeader("origin");
        request.removeHeader("referer");
      }) },
      "/share": API,
    },
  },
});
