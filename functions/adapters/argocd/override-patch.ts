/** The JSON patch that sets images on one source of an Application, and leaves what else is set there. */
import type { BuiltImage } from '#functions/branch-deploy/record.ts';
import { isRecord } from '#model/record-schema.ts';

export interface PatchOperation {
  readonly op: 'test' | 'add';
  readonly path: string;
  readonly value: unknown;
}

/** It fails where the source is another one by then. */
export function overridePatch(
  application: unknown,
  images: readonly BuiltImage[],
  index: number,
): readonly PatchOperation[] {
  const spec = member(application, 'spec');
  const sources = member(spec, 'sources');
  const isMulti = Array.isArray(sources) && sources.length > 0;
  const source: unknown = isMulti ? sources[index] : member(spec, 'source');
  const path = isMulti ? `/spec/sources/${index}` : '/spec/source';
  const kustomized = images.filter(({ helmParameter }) => helmParameter === undefined);
  const parameters = images.filter(({ helmParameter }) => helmParameter !== undefined);
  const patch: PatchOperation[] = [{ op: 'test', path: `${path}/repoURL`, value: member(source, 'repoURL') }];
  if (kustomized.length > 0) {
    const kustomize = record(member(source, 'kustomize'));
    const entries = listOf(kustomize['images']).filter((entry): entry is string => typeof entry === 'string');
    const value = { ...kustomize, images: withImages(entries, kustomized) };
    patch.push({ op: 'add', path: `${path}/kustomize`, value });
  }
  if (parameters.length > 0) {
    const helm = record(member(source, 'helm'));
    const names = parameters.map(({ helmParameter }) => helmParameter);
    const others = listOf(helm['parameters']).filter((one) => !names.includes(String(member(one, 'name'))));
    const set = parameters.map(({ helmParameter, version }) => ({
      name: helmParameter,
      value: version,
      // A tag such as 1e3 is text.
      forceString: true,
    }));
    patch.push({ op: 'add', path: `${path}/helm`, value: { ...helm, parameters: [...others, ...set] } });
  }
  return patch;
}

/** `[old=]name:tag` or `[old=]name@digest`: the entry of a repository is replaced, with its old name. */
function withImages(entries: readonly string[], images: readonly BuiltImage[]): readonly string[] {
  const left = entries.filter((entry) => !images.some((image) => isOf(entry, image)));
  const set = images.map((image) => {
    const before = entries.find((entry) => isOf(entry, image)) ?? '';
    const old = before.includes('=') ? `${before.slice(0, before.indexOf('='))}=` : '';
    const separator = image.version.startsWith('sha256:') ? '@' : ':';
    return `${old}${image.repository}${separator}${image.version}`;
  });
  return [...left, ...set];
}

function isOf(entry: string, { repository }: BuiltImage): boolean {
  const name = entry.slice(entry.indexOf('=') + 1);
  return name === repository || name.startsWith(`${repository}:`) || name.startsWith(`${repository}@`);
}

const member = (value: unknown, name: string): unknown => (isRecord(value) ? value[name] : undefined);
const record = (value: unknown) => (isRecord(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
