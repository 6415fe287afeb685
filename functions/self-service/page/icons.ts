/** The phases of a cluster as shapes. */
import { type Html, html, trusted } from './html.ts';
import type { Phase } from './texts.ts';

/** Shapes differ too, for whoever does not see the colours. */
const ICONS: Readonly<Record<Phase | 'unknown', string>> = {
  awake: '<circle cx="12" cy="12" r="9"/>',
  asleep: '<path d="M20 14A9 9 0 1 1 10 4a7 7 0 0 0 10 10z"/>',
  starting: '<path d="M12 3l9 16H3z"/>',
  stopping: '<path d="M12 21L3 5h18z"/>',
  unknown: '<path d="M12 2l10 10-10 10L2 12z"/>',
};

export function iconOf(phase: Phase | 'unknown'): Html {
  return html`<svg viewBox="0 0 24 24" aria-hidden="true" fill="currentColor">${trusted(ICONS[phase])}</svg>`;
}
