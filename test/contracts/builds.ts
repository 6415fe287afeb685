/** What branch-deploy relies on of CodeBuild, whatever implements it. */
import { expect, test } from 'vitest';
import type { Builds } from '#functions/branch-deploy/ports.ts';
import { type Lacks, needs } from './subject.ts';

export interface BuildsSubject {
  readonly builds: Builds;
  readonly lacks?: Lacks;
  /** A project without builds, of https://github.com/example/api.git. */
  readonly project: string;
  /** A build of `refs/heads/develop` that succeeds. Its id. */
  build(): Promise<string>;
}

export function buildsContract(create: () => Promise<BuildsSubject>): void {
  test('reads a build with what decides about its branch', async (context) => {
    const { builds, project, build, lacks } = await create();
    const id = await build();
    const [read] = await builds.read([id]);
    expect(read).toMatchObject({ id, project, status: 'SUCCEEDED' });
    expect(read?.startedAt).toBeInstanceOf(Date);
    expect(read?.endedAt).toBeInstanceOf(Date);
    needs(context, lacks, 'what was built');
    expect(read?.location).toMatch(/^https:\/\/github\.com\/example\/api(\.git)?$/);
    expect(read?.sourceVersion).toContain('develop');
    expect(read?.resolvedSourceVersion).toMatch(/^[0-9a-f]{40}$/);
    expect(read?.number).toBe(1);
  });

  test('counts the builds of a project up', async (context) => {
    const { builds, build, lacks } = await create();
    needs(context, lacks, 'numbers that count up');
    const read = await builds.read([await build(), await build()]);
    expect(read.map(({ number }) => number)).toEqual([1, 2]);
  });

  test('leaves out the ids that are unknown', async (context) => {
    const { builds, build, project, lacks } = await create();
    const id = await build();
    needs(context, lacks, 'unknown ids left out');
    const read = await builds.read([`${project}:00000000-0000-4000-8000-000000000000`, id]);
    expect(read.map((one) => one.id)).toEqual([id]);
  });

  test('lists the latest builds first, and none of a new project', async (context) => {
    const { builds, build, project, lacks } = await create();
    needs(context, lacks, 'a project without builds');
    expect(await builds.recent(project)).toEqual([]);
    const ids = [await build(), await build(), await build()];
    needs(context, lacks, 'the newest first');
    expect(await builds.recent(project)).toEqual(ids.toReversed());
  });

  test('has no list for a project that does not exist', async () => {
    const { builds } = await create();
    expect(await builds.recent('nobody')).toBeUndefined();
  });
}
