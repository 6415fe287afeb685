/** Opens and closes the rows. The address names the open one, so that a reload or a bookmark shows it again. */
import { redraw, state } from './state.ts';

export function toggle(name: string): void {
  open(state.open === name ? undefined : name);
}

export function open(name: string | undefined): void {
  state.open = name;
  history.replaceState(null, '', name === undefined ? location.pathname : `#${encodeURIComponent(name)}`);
  redraw();
}

/** Of the address; undefined if it names none, or is no valid text. */
export function openInAddress(): string | undefined {
  try {
    return decodeURIComponent(location.hash.slice(1)) || undefined;
  } catch {
    return undefined;
  }
}
