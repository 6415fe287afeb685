/** The payload of an invocation → why this pass takes place. Whatever it is, the pass itself is the same. */
import { isRecord } from '#model/record-schema.ts';
import { TRIGGER_SOURCE } from '#model/trigger.ts';
import type { Cause } from './run.ts';

/** A transition, a tick, an override, or something unknown: triggers are hints, so nothing is refused. */
export function causeOf(payload: unknown): Cause {
  const fields = isRecord(payload) ? payload : {};
  if (fields['source'] !== TRIGGER_SOURCE)
    return { trigger: textOf(fields['id']) ?? 'unknown', byPerson: false };
  const schedule = textOf(fields['schedule']) ?? textOf(fields['trigger']) ?? 'unknown';
  const id = textOf(fields['id']);
  return {
    trigger: id ? `${schedule} ${id}` : schedule,
    byPerson: fields['trigger'] === 'override',
  };
}

/** A request of CloudFormation for the custom resource of the stack. */
export interface CustomResourceRequest {
  readonly type: 'Create' | 'Update' | 'Delete';
  readonly id: string;
  /** Presigned: whoever has it can answer. */
  readonly responseUrl: string;
  readonly stackId: string;
  readonly logicalId: string;
  /** Absent at creation. */
  readonly physicalId?: string;
  readonly properties: Properties;
  readonly oldProperties: Properties;
  /** As it came. */
  readonly payload: unknown;
}

type Properties = Readonly<Record<string, unknown>> & { readonly cluster?: string };

/** Undefined for every other payload. */
export function customResourceRequestOf(payload: unknown): CustomResourceRequest | undefined {
  const fields = isRecord(payload) ? payload : {};
  const type = TYPES.find((known) => known === fields['RequestType']);
  const { ResponseURL: responseUrl, RequestId: id, StackId: stackId, LogicalResourceId: logicalId } = fields;
  if (
    type === undefined ||
    typeof responseUrl !== 'string' ||
    typeof id !== 'string' ||
    typeof stackId !== 'string' ||
    typeof logicalId !== 'string'
  )
    return undefined;
  const physicalId = fields['PhysicalResourceId'];
  return {
    type,
    id,
    responseUrl,
    stackId,
    logicalId,
    ...(typeof physicalId === 'string' ? { physicalId } : {}),
    properties: propertiesOf(fields['ResourceProperties']),
    oldProperties: propertiesOf(fields['OldResourceProperties']),
    payload,
  };
}

const TYPES = ['Create', 'Update', 'Delete'] as const;

function propertiesOf(value: unknown): Properties {
  const texts = Object.entries(isRecord(value) ? value : {}).filter(([, text]) => typeof text === 'string');
  return Object.fromEntries(texts);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
}
