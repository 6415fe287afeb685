import { describe, expect, test } from 'vitest';
import { builtImages } from '#functions/branch-deploy/images.ts';
import { OF_IMAGES } from '#functions/branch-deploy/reasons.ts';
import { anApplication, aWorld, REPOSITORY } from './a-world.ts';
import { aBuild, OURS } from './an-application.ts';

const repository = '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/api';
const digest = `sha256:${'b'.repeat(64)}`;
const build = aBuild({ number: 7, branch: 'feature/x' });
const exporting = (value: string) =>
  builtImages([{ repository, tag: { exported: 'IMAGE' } }], build, { IMAGE: value });

describe('the image of a build', () => {
  test.each([
    ['{sha}', OURS],
    ['{sha7}', 'aaaaaaa'],
    ['{branch}-{build}', 'feature-x-7'],
    ['v{build}', 'v7'],
  ])('is tagged %s: %s', (tag, version) => {
    expect(builtImages([{ repository, tag }], build, {})).toEqual({ images: [{ repository, version }] });
  });

  test.each([
    ['1.2.3', '1.2.3'],
    [digest, digest],
    [`${repository}:1.2.3`, '1.2.3'],
    [`${repository}@${digest}`, digest],
    [`${repository}:1.2.3@${digest}`, digest],
  ])('is what it exports: %s', (value, version) => {
    expect(exporting(value)).toEqual({ images: [{ repository, version }] });
  });

  test.each([
    'example.com/web:1.2.3',
    `222222222222.dkr.ecr.ap-northeast-1.amazonaws.com/api@${digest}`,
    `${repository}`,
    '1.2.3, 1.2.4',
    'sha256:1',
    '../x',
  ])('is refused where it exports %s', (value) => {
    expect(exporting(value)).toEqual({ refused: OF_IMAGES.notOurs(value, repository) });
  });

  test('is refused where it exports nothing, or its commit is unknown', () => {
    expect(builtImages([{ repository, tag: { exported: 'IMAGE' } }], build, {})).toEqual({
      refused: OF_IMAGES.notExported('IMAGE'),
    });
    const { sha: _, ...unknown } = build;
    expect(builtImages([{ repository, tag: '{sha7}' }], unknown, {})).toEqual({
      refused: OF_IMAGES.withoutCommit('{sha7}'),
    });
  });
});

test('D9: a build that exports the image of another repository is not deployed', async () => {
  const applications = [anApplication({ images: [{ repository, tag: { exported: 'IMAGE' } }] })];
  const world = aWorld({
    settings: {
      builds: [{ project: 'api-develop', repository: REPOSITORY, branch: 'develop', applications }],
    },
  });
  const { event } = await world.build();
  await world.invoke(event);
  expect(world.reasons()).toEqual([`refuse: ${OF_IMAGES.notExported('IMAGE')}`]);
  expect(world.syncs()).toBe(0);
});
