/** The assembly cannot run: a file is missing, or it has something that the lab does not support. */
export class AssemblyError extends Error {
  override name = 'AssemblyError';
}
