/** Inputs that a service model forbids, made from one that it allows: one thing is wrong with each. */
import type { ServiceModel, Shape } from './service-model.ts';
import { faultsOf } from './shape-faults.ts';

export interface ForbiddenInput {
  readonly what: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Longer values than this say more about the front door than about the operation. */
const LONGEST = 5_000;

export function forbiddenInputs(
  model: ServiceModel,
  shapeName: string,
  good: Readonly<Record<string, unknown>>,
  at = '',
): readonly ForbiddenInput[] {
  const shape = model.shapes[shapeName];
  const found: ForbiddenInput[] = [];
  for (const [name, member] of Object.entries(shape?.members ?? {})) {
    const path = at === '' ? name : `${at}.${name}`;
    const its = model.shapes[member.shape];
    if (!its) continue;
    const { [name]: value, ...others } = good;
    if (shape?.required?.includes(name)) found.push({ what: `without ${path}`, input: others });
    for (const wrong of wrongValues(its, value)) {
      if (faultsOf(model, member.shape, wrong, path).length === 0) continue;
      found.push({ what: `${path} as ${shown(wrong)}`, input: { ...good, [name]: wrong } });
    }
    if (its.type === 'structure' && isRecord(value)) {
      for (const inner of forbiddenInputs(model, member.shape, value, path))
        found.push({ what: inner.what, input: { ...good, [name]: inner.input } });
    }
  }
  return found;
}

function wrongValues(shape: Shape, good: unknown): readonly unknown[] {
  switch (shape.type) {
    case 'string':
      return [
        ...(shape.enum ? ['WRONG'] : []),
        ...(shape.pattern ? ['\u0007 !'] : []),
        ...((shape.min ?? 0) > 0 ? [''] : []),
        ...(shape.max !== undefined && shape.max < LONGEST ? ['a'.repeat(shape.max + 1)] : []),
      ];
    case 'integer':
      return [
        ...(shape.min === undefined ? [] : [shape.min - 1]),
        ...(shape.max === undefined ? [] : [shape.max + 1]),
      ];
    case 'list':
      return Array.isArray(good) && shape.max !== undefined && shape.max < LONGEST
        ? [Array.from({ length: shape.max + 1 }, () => good[0])]
        : [];
    default:
      return [];
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 30 ? `${text.slice(0, 20)}… (${text.length})` : text;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
