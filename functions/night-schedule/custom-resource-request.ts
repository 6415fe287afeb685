/** The payload of an invocation → a request of CloudFormation. Loaded only when it sends one. */
import { isRecord } from '#model/record-schema.ts';

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

type Properties = Readonly<Record<string, unknown>> & {
  readonly cluster?: string;
  /** The ARN of the listener that has the rules of the doorbell. */
  readonly doorbell?: string;
};

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
