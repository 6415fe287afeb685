/** `discover`: finds clusters by their tag and writes them into the lock file, which a person reviews and commits. */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { type DiscoverSource, loadDiscover } from '#lib/config-file.ts';
import { type LockedCluster, type LockFile, lockPathOf, readLock } from '#lib/lock-file.ts';
import type { DiscoverConfig } from '#model/config.ts';
import { type ClientAccess, clientAccess } from './account-access.ts';
import { CloudError, RefusedError } from './errors.ts';
import type { FoundCluster } from './init/found.ts';
import { environmentNames, looksLikeProduction } from './init/project-files.ts';
import type { Io } from './io.ts';

export interface DiscoverIo extends Pick<Io, 'out' | 'err'> {
  /** The clusters of one region, with their tags. Throws a `CloudError` where they cannot be listed. */
  listClusters(region: string, access: ClientAccess): Promise<readonly FoundCluster[]>;
}

/** True when every account was reachable. Clusters of one that was not stay as they are in the lock file. */
export async function discover(configPath: string | undefined, io: DiscoverIo): Promise<boolean> {
  const source = await loadDiscover(configPath);
  if (!source)
    throw new RefusedError(
      "the config has no discover: add discover: { tag: 'nightshift=office', accounts: [{ account: '…', regions: ['…'] }] }",
    );
  const before = readLock(source.path);
  const found: FoundCluster[] = [];
  const kept: LockedCluster[] = [];
  let complete = true;
  for (const place of placesOf(source.discover)) {
    const clusters = await clustersIn(place, io).catch((error: unknown) => {
      if (!(error instanceof CloudError)) throw error;
      io.err(`nightshift: ${error.message}; what the lock file has of it stays`);
      return undefined;
    });
    const isHere = ({ account, region }: LockedCluster) =>
      account === place.account && region === place.region;
    if (clusters) found.push(...clusters.filter(({ tags }) => matches(source.discover.tag, tags)));
    else kept.push(...(before?.clusters ?? []).filter(isHere));
    complete &&= clusters !== undefined;
  }
  const after = lockOf(source, found, kept);
  const path = lockPathOf(source.path);
  writeFileSync(path, `${JSON.stringify(after, null, 2)}\n`);
  io.out(changesText(before, after, relative(process.cwd(), path)));
  return complete;
}

interface Place {
  readonly account: string;
  readonly region: string;
  readonly access: ClientAccess;
}

function placesOf({ accounts }: DiscoverConfig): readonly Place[] {
  return accounts.flatMap(({ account, regions, ...access }) =>
    regions.map((region) => ({
      account,
      region,
      access: clientAccess(`account ${account}`, region, access),
    })),
  );
}

async function clustersIn(
  { account, region, access }: Place,
  io: DiscoverIo,
): Promise<readonly FoundCluster[]> {
  const clusters = await io.listClusters(region, access);
  const foreign = clusters.find((one) => one.account !== account);
  if (foreign)
    throw new CloudError(
      `account ${account}, ${region}: these credentials are of ${foreign.account}: set profile or roleArn in discover.accounts`,
    );
  return clusters;
}

/** `nightshift=office`, or `nightshift` for any value. */
function matches(tag: string, tags: Readonly<Record<string, string>>): boolean {
  const { key, value } = splitTag(tag);
  return Object.hasOwn(tags, key) && (value === undefined || tags[key] === value);
}

function splitTag(tag: string): { readonly key: string; readonly value: string | undefined } {
  const at = tag.indexOf('=');
  return at < 0 ? { key: tag, value: undefined } : { key: tag.slice(0, at), value: tag.slice(at + 1) };
}

/** The value of the tag is the cluster's schedule, where there is one of that name. Sorted, so that a diff is small. */
function lockOf(
  { discover: { tag }, schedules }: DiscoverSource,
  found: readonly FoundCluster[],
  kept: readonly LockedCluster[],
): LockFile {
  const names = environmentNames(found);
  const clusters = found.map((cluster, index): LockedCluster => {
    const { account, region, name, tags } = cluster;
    const value = tags[splitTag(tag).key] ?? '';
    const isProduction = looksLikeProduction(cluster);
    return {
      environment: names[index] ?? name,
      account,
      region,
      cluster: name,
      ...(!isProduction && schedules.includes(value) ? { schedule: value } : {}),
      ...(isProduction ? { production: true } : {}),
    };
  });
  const keyOf = ({ account, region, cluster }: LockedCluster) => `${account}/${region}/${cluster}`;
  return { tag, clusters: [...clusters, ...kept].sort((a, b) => keyOf(a).localeCompare(keyOf(b))) };
}

function changesText(before: LockFile | undefined, after: LockFile, path: string): string {
  const line = ({ environment, account, region, schedule, production }: LockedCluster) =>
    `${environment}  ${account}  ${region}  ${production ? 'production' : (schedule ?? 'schedule of the defaults')}`;
  const old = new Set((before?.clusters ?? []).map(line));
  const current = new Set(after.clusters.map(line));
  const changes = [
    ...[...current].filter((one) => !old.has(one)).map((one) => `+ ${one}`),
    ...[...old].filter((one) => !current.has(one)).map((one) => `- ${one}`),
  ];
  const count = `${after.clusters.length} ${after.clusters.length === 1 ? 'cluster' : 'clusters'} with the tag ${after.tag}`;
  return [
    ...changes,
    `${path}: ${count}, ${changes.length === 0 ? 'no change' : 'review and commit it'}`,
  ].join('\n');
}
