/** The errors that a command reports as a message, without a stack trace. */

/** The request cannot be done. The message says what to change; exit code 1. */
export class RefusedError extends Error {
  override name = 'RefusedError';
}

/** A request to AWS, Kubernetes or Argo CD failed. The message says what was missing; exit code 2. */
export class CloudError extends Error {
  override name = 'CloudError';
}
