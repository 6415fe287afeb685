import { NightshiftError } from '#functions/shared/errors.ts';

/** The cluster does not let us do our work. It does not heal by itself. */
export class AccessRefusedError extends NightshiftError {
  override name = 'AccessRefusedError';
}

/** The API server or the way to it had trouble: asking again may help. */
export class ClusterTroubleError extends NightshiftError {
  override name = 'ClusterTroubleError';
}

export function isTrouble(error: unknown): boolean {
  return error instanceof ClusterTroubleError;
}
