import { afterAll, beforeAll } from 'vitest';
import { PROJECTS, type Stage } from '../stage.ts';
import { commands } from './commands.ts';
import { type ImageOptions, images } from './images.ts';
import { objects } from './objects.ts';
import { outage } from './outage.ts';
import { overview } from './overview.ts';
import { replies } from './replies.ts';
import { story } from './story.ts';
import { waysIn } from './ways-in.ts';

/**
 * Every behaviour of Argo CD that eks-nightshift relies on, on one stage: a real Argo CD with `npm run conformance`,
 * the lab's with `npm test`.
 */
export function argocdBehaviours<S extends Stage>(
  open: () => Promise<S>,
): { readonly stage: () => S | undefined } {
  const { stage, opened } = stageOf(open);
  waysIn(opened);
  replies(opened);
  overview(opened);
  objects(opened);
  story(opened);
  commands(opened);
  // The last: afterwards the server is gone.
  outage(opened);
  return { stage };
}

/** The same for what runs, on a stage with pods. */
export function imageBehaviours<S extends Stage>(
  open: () => Promise<S>,
  options: ImageOptions,
): { readonly stage: () => S | undefined } {
  const { stage, opened } = stageOf(open);
  images(opened, options);
  return { stage };
}

function stageOf<S extends Stage>(open: () => Promise<S>) {
  let stage: S | undefined;
  beforeAll(async () => {
    stage = await open();
    for (const project of PROJECTS) await stage.addProject(project);
  });
  afterAll(() => stage?.close());
  const opened = () => {
    if (!stage) throw new Error('the stage is not open');
    return stage;
  };
  return { stage: () => stage, opened };
}
