/** What an error of the file system means to a person, in one line. */

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space',
  EDQUOT: 'your quota of the disk is used up: free some space',
  EACCES: 'permission denied: change the permissions, or use another folder',
  EPERM: 'permission denied: change the permissions, or use another folder',
  EROFS: 'the file system is read-only: use another folder',
  ENOTDIR: 'a part of the path is a file: remove it, or use another folder',
  EEXIST: 'a file is in the way: remove it, or use another folder',
  EISDIR: 'this is a folder: name a file',
  ENOENT: 'the folder does not exist: create it',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
};

/** `cdk.out/manifest.json cannot be written: the disk is full: …`; undefined for every other error. */
export function fileProblem(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code = '', path, syscall } = at as NodeJS.ErrnoException;
    const cause = CAUSES[code];
    // An error of the network has no path, and none of the standard output either.
    if (cause && path !== undefined) return `${path} cannot be ${verbOf(syscall)}: ${cause}`;
    if (cause && syscall === 'write') return `the output cannot be written: ${cause}`;
  }
  return undefined;
}

function verbOf(syscall: string | undefined): string {
  if (syscall === 'mkdir' || syscall === 'symlink') return 'created';
  if (syscall === 'unlink' || syscall === 'rmdir' || syscall === 'rm') return 'deleted';
  return syscall === 'read' || syscall === 'scandir' ? 'read' : 'written';
}
