/** The config is right, and asks for something that the lab does not have. */
export class LabError extends Error {
  override name = 'LabError';
}
