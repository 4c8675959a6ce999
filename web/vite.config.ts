/** How the page is built. `base`: it works below any path. */
import { defineConfig, type Plugin } from 'vite';

/** Nothing from elsewhere, no script in the page. hls.js hands pictures to the browser through blob URLs. */
const policy =
  "default-src 'self'; media-src 'self' blob:; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'";

/** Only in the built page: the development server puts styles and a socket into it. */
const contentSecurityPolicy: Plugin = {
  name: 'content-security-policy',
  apply: 'build',
  transformIndexHtml: () => [
    { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' },
  ],
};

export default defineConfig({
  base: './',
  plugins: [contentSecurityPolicy],
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 450 },
  // `npx vite web` beside a running daemon.
  server: { proxy: { '/v1': 'http://127.0.0.1:8880' } },
});
