/** Line drawings for buttons, 24 by 24. They say nothing by themselves: the button has the label. */

const paths = {
  play: 'M7 4.5v15l13-7.5z',
  pause: 'M7 5h4v14H7zM14 5h4v14h-4z',
  sound: 'M4 9v6h4l5 4.5v-15L8 9zM16 8.5a5 5 0 0 1 0 7M18.5 6a8.5 8.5 0 0 1 0 12',
  mute: 'M4 9v6h4l5 4.5v-15L8 9zM16.5 9.5l5 5M21.5 9.5l-5 5',
  full: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  download: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  back: 'M11 6l-7 6 7 6zM20 6l-7 6 7 6z',
  forth: 'M13 6l7 6-7 6zM4 6l7 6-7 6z',
  clear: 'M6 6l12 12M18 6L6 18',
} as const;

const solid = new Set<string>(['play', 'pause', 'back', 'forth']);

export const Icon = ({ name }: { readonly name: keyof typeof paths }) => (
  <svg class={solid.has(name) ? 'icon solid' : 'icon'} viewBox="0 0 24 24" aria-hidden="true">
    <path d={paths[name]} />
  </svg>
);
