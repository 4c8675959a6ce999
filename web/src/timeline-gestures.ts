/** Mouse, fingers, pen and wheel on the timeline, as what they mean. Pixels count from its left edge. */

export interface Meaning {
  /** `factor` > 1 shows more time. */
  zoom(factor: number, x: number): void;
  pan(dx: number): void;
  pinch(from: readonly [number, number], to: readonly [number, number]): void;
  play(x: number): void;
  /** From where it began to where it is now. */
  range(from: number, to: number): void;
  /** The end of the range that is there, to be dragged; undefined if there is none. */
  handleAt(x: number): 'begin' | 'end' | undefined;
  moveHandle(handle: 'begin' | 'end', x: number): void;
  hover(x: number | undefined): void;
}

/** Less is a click of an unsteady hand. */
const clickPx = 4;

type Drag =
  | { readonly kind: 'pan' | 'range'; readonly startX: number; moved: boolean }
  | { readonly kind: 'handle'; readonly handle: 'begin' | 'end'; readonly startX: number; moved: boolean };

export function listen(element: HTMLElement, meaning: Meaning): () => void {
  const pointers = new Map<number, number>();
  let drag: Drag | undefined;
  const stop = new AbortController();
  const { signal } = stop;
  const xOf = (e: MouseEvent): number => e.clientX - element.getBoundingClientRect().left;
  const two = (): readonly [number, number] | undefined => {
    const [a, b] = pointers.values();
    return a !== undefined && b !== undefined ? [a, b] : undefined;
  };

  const down = (e: PointerEvent): void => {
    if (e.button !== 0) return;
    const x = xOf(e);
    element.setPointerCapture(e.pointerId);
    pointers.set(e.pointerId, x);
    const handle = meaning.handleAt(x);
    if (pointers.size > 1) drag = undefined;
    else if (handle && !e.shiftKey) drag = { kind: 'handle', handle, startX: x, moved: false };
    else drag = { kind: e.shiftKey ? 'range' : 'pan', startX: x, moved: false };
  };

  const move = (e: PointerEvent): void => {
    const x = xOf(e);
    const before = pointers.get(e.pointerId);
    if (before === undefined) {
      meaning.hover(x);
      return;
    }
    const from = two();
    if (drag && !drag.moved && Math.abs(x - drag.startX) <= clickPx) return;
    pointers.set(e.pointerId, x);
    const to = two();
    if (drag) drag.moved = true;
    if (from && to) meaning.pinch(from, to);
    else if (drag?.kind === 'handle') meaning.moveHandle(drag.handle, x);
    else if (drag?.kind === 'range') meaning.range(drag.startX, x);
    else if (drag) meaning.pan(x - before);
    meaning.hover(e.pointerType === 'mouse' ? x : undefined);
  };

  const up = (e: PointerEvent): void => {
    if (!pointers.delete(e.pointerId) || !drag) return;
    if (!drag.moved) meaning.play(xOf(e));
    drag = undefined;
  };

  const cancel = (e: PointerEvent): void => {
    pointers.delete(e.pointerId);
    drag = undefined;
  };

  const wheel = (e: WheelEvent): void => {
    e.preventDefault();
    const unit = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
    // Sideways, or with shift, it moves; a pinch on a touchpad arrives as a wheel with ctrl and small steps.
    const sideways = Math.abs(e.deltaX) > Math.abs(e.deltaY) ? e.deltaX : e.shiftKey ? e.deltaY : 0;
    if (sideways !== 0) meaning.pan(-sideways * unit);
    else meaning.zoom(Math.exp(Math.max(-200, Math.min(200, e.deltaY * unit)) * (e.ctrlKey ? 0.01 : 0.0025)), xOf(e));
  };

  element.addEventListener('pointerdown', down, { signal });
  element.addEventListener('pointermove', move, { signal });
  element.addEventListener('pointerup', up, { signal });
  element.addEventListener('pointercancel', cancel, { signal });
  element.addEventListener('pointerleave', () => meaning.hover(undefined), { signal });
  element.addEventListener('wheel', wheel, { signal, passive: false });
  return () => stop.abort();
}
