/**
 * Stacks of the synthesis before, in the same folder, that this one has no more: an environment was renamed or removed, or its
 * account or region changed. CloudFormation leaves them as they are, and what sleeps there stays off.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord } from '#model/record-schema.ts';

export interface PlacedStack {
  readonly name: string;
  readonly account: string;
  readonly region: string;
}

/** Empty where nothing was synthesized before. Of other stacks than those that stop nodes nothing is lost. */
export function sleepingStacksIn(directory: string): readonly PlacedStack[] {
  const artifacts = jsonIn(directory, 'manifest.json')?.['artifacts'];
  return Object.entries(isRecord(artifacts) ? artifacts : {}).flatMap(([id, artifact]) => {
    if (!isRecord(artifact) || artifact['type'] !== 'aws:cloudformation:stack') return [];
    const properties = isRecord(artifact['properties']) ? artifact['properties'] : {};
    const [, account, region] = /^aws:\/\/([^/]+)\/([^/]+)$/.exec(String(artifact['environment'])) ?? [];
    const template = jsonIn(directory, String(properties['templateFile']));
    const stops = JSON.stringify(template?.['Resources'] ?? {}).includes('"Custom::NightRestore"');
    const name = String(properties['stackName'] ?? id);
    return account && region && stops ? [{ name, account, region }] : [];
  });
}

/** One line for each stack that is left. */
export function leftStackWarnings(
  before: readonly PlacedStack[],
  now: readonly PlacedStack[],
): readonly string[] {
  const isSame = (a: PlacedStack, b: PlacedStack) =>
    a.name === b.name && a.account === b.account && a.region === b.region;
  return before
    .filter((old) => !now.some((stack) => isSame(stack, old)))
    .map(({ name, account, region }) => {
      const moved = now.find((stack) => stack.name === name);
      const change = moved
        ? `is in account ${moved.account}, ${moved.region} now, and was in account ${account}, ${region}`
        : `of account ${account}, ${region} is not in the config any more`;
      return `warning: ${name} ${change}: if it was deployed there, it stays, with the sizes of what sleeps. Delete it, which restores them: aws cloudformation delete-stack --stack-name ${name} --region ${region}`;
    });
}

function jsonIn(directory: string, file: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, file), 'utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    // Not there, or half written: nothing is known of the synthesis before.
    return undefined;
  }
}
