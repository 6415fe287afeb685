export { type CodebuildOptions, type CodebuildWorld, createCodebuild } from './codebuild.ts';
export { createGit, type GitWorld, sameRepository } from './git.ts';
export type * from './types.ts';
