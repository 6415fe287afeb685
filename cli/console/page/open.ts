/** Opens and closes the rows. */
import { redraw, state } from './state.ts';

export function toggle(name: string): void {
  state.open = state.open === name ? undefined : name;
  redraw();
}
