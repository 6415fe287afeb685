/** The config is valid but needs something that the lab does not emulate. */
export class LabError extends Error {
  override name = 'LabError';
}
