/** The assembly cannot be run as it is: a file is missing, or it holds something that the lab does not know. */
export class AssemblyError extends Error {
  override name = 'AssemblyError';
}
