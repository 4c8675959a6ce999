/** Begins. */
import { render } from 'preact';
import { App } from './app.tsx';
import { watchServer } from './server.ts';

const root = document.getElementById('app');
if (root) {
  watchServer();
  render(<App />, root);
}
