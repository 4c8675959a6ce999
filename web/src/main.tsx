/**
 * The page of Ocellus: live pictures, recordings on a timeline, clips to take home. It speaks
 * to the server through api.ts alone, and keeps nothing but its user's taste. What is in step
 * with what: server.ts (what is there), navigation.ts (what is looked at), view.ts (what part
 * of time is shown), player.ts (what plays).
 */
import { render } from 'preact';
import { App } from './app.tsx';
import { watchServer } from './server.ts';

const root = document.getElementById('app');
if (root) {
  watchServer();
  render(<App />, root);
}
