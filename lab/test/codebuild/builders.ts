import { type CodebuildWorld, createCodebuild, type ProjectOptions } from '#lab/world/codebuild/index.ts';
import { createContext } from '#lab/world/context.ts';
import type { AwsEvent, WorldContext } from '#lab/world/seams.ts';

export const REPOSITORY = 'https://github.com/example/api';

export interface Bench {
  readonly context: WorldContext;
  readonly codebuild: CodebuildWorld;
  /** Changes of state. */
  readonly events: AwsEvent[];
  readonly phaseEvents: AwsEvent[];
  /** Lets so many virtual seconds pass. */
  pass(seconds: number): Promise<void>;
}

export function aBench(start = new Date('2026-11-24T01:00:00Z')): Bench {
  const context = createContext({ start, seed: 7 });
  const codebuild = createCodebuild(context, { phaseEvents: true });
  codebuild.addRepository(REPOSITORY, { defaultBranch: 'main' });
  const events: AwsEvent[] = [];
  const phaseEvents: AwsEvent[] = [];
  context.signals.on('event', (event) =>
    (event['detail-type'] === 'CodeBuild Build State Change' ? events : phaseEvents).push(event),
  );
  return {
    context,
    codebuild,
    events,
    phaseEvents,
    pass: (seconds) => context.clock.runUntil(context.clock.now() + seconds * 1000),
  };
}

export function aProject(overrides: Partial<ProjectOptions> = {}): ProjectOptions {
  return {
    account: '111111111111',
    region: 'ap-northeast-1',
    name: 'api-develop',
    repository: REPOSITORY,
    webhook: {
      filterGroups: [
        [
          { type: 'EVENT', pattern: 'PUSH' },
          { type: 'HEAD_REF', pattern: '^refs/heads/develop$' },
        ],
      ],
    },
    buildSeconds: 90,
    ...overrides,
  };
}
