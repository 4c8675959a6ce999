/** What is looked at, kept in step with the address and the history of the browser. */
import { signal } from '@preact/signals';
import { hashOf, type Route, routeOf } from './route.ts';

export const route = signal<Route | undefined>(routeOf(location.hash));

/** Back, forward and links each tell twice: as a state and as a changed hash. */
let followed = location.hash;

/** A new entry in the history. */
export function go(to: Route): void {
  if (location.hash !== hashOf(to)) history.pushState(null, '', hashOf(to));
  followed = location.hash;
  route.value = to;
}

/** Where the user already is, put more exactly: the moment that plays now, the source that was chosen for him. */
export function amend(to: Route, show: boolean): void {
  history.replaceState(null, '', hashOf(to));
  followed = location.hash;
  if (show) route.value = to;
}

function follow(): void {
  if (location.hash === followed) return;
  followed = location.hash;
  const to = routeOf(location.hash);
  if (to) route.value = to;
}

addEventListener('popstate', follow);
addEventListener('hashchange', follow);
