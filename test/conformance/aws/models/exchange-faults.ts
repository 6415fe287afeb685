/** One call and its answer, held against AWS's models. */
import { decodeRefusal, decodeReply, decodeRequest, type WireReply, type WireRequest } from './decode.ts';
import { type Models, type OperationModel, protocolOf, type ServiceModel } from './service-model.ts';
import { faultsOf } from './shape-faults.ts';

export interface Exchange {
  /** The signing name. */
  readonly service: string;
  readonly request: WireRequest;
  readonly reply: WireReply;
}

export interface Verdict {
  /** `eks:DescribeCluster`. */
  readonly operation: string;
  readonly input?: unknown;
  /** The code where the call was refused. */
  readonly refusal?: string;
  readonly requestFaults: readonly string[];
  readonly replyFaults: readonly string[];
}

/**
 * Errors that every operation can answer with, beside those of its model.
 * https://docs.aws.amazon.com/autoscaling/ec2/APIReference/CommonErrors.html
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 * https://docs.aws.amazon.com/codebuild/latest/APIReference/CommonErrors.html
 */
const COMMON = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'InternalFailure',
  'InternalError',
  'InvalidAction',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'SerializationException',
  'SignatureDoesNotMatch',
  'Throttling',
  'ThrottlingException',
  'UnknownOperationException',
  'UnrecognizedClientException',
  'ValidationError',
  'ValidationException',
]);

export function judge(models: Models, { service, request, reply }: Exchange): Verdict {
  const model = models.of(service);
  const decoded = decodeRequest(model, request);
  if (!decoded)
    return {
      operation: `${service}:?`,
      requestFaults: [`no operation of ${service} is asked for as ${request.method} ${request.path}`],
      replyFaults: [],
    };
  const { operation, input } = decoded;
  const name = `${service}:${operation.name}`;
  const requestFaults = operation.input ? faultsOf(model, operation.input.shape, input, operation.name) : [];
  if (reply.status < 400) {
    const output = decodeReply(model, operation, reply);
    const replyFaults = operation.output
      ? faultsOf(model, operation.output.shape, output, operation.output.shape, 'reply')
      : [];
    return { operation: name, input, requestFaults, replyFaults };
  }
  const refusal = decodeRefusal(model, reply);
  return {
    operation: name,
    input,
    refusal: refusal.code,
    requestFaults,
    replyFaults: refusalFaults(model, operation, refusal, reply.status),
  };
}

function refusalFaults(
  model: ServiceModel,
  operation: OperationModel,
  { code, members }: ReturnType<typeof decodeRefusal>,
  status: number,
): string[] {
  const modelled = (operation.errors ?? []).find(
    ({ shape }) => (model.shapes[shape]?.error?.code ?? shape) === code,
  );
  if (!modelled) {
    // EC2's model names no errors at all.
    if (COMMON.has(code) || protocolOf(model) === 'ec2') return [];
    return [`${operation.name} is not known to answer ${code}`];
  }
  const shape = model.shapes[modelled.shape];
  const expected = shape?.error?.httpStatusCode;
  return [
    ...(expected !== undefined && expected !== status
      ? [`${code} of ${operation.name} has the status ${status}, not ${expected}`]
      : []),
    ...faultsOf(model, modelled.shape, spelled(shape?.members ?? {}, members), code, 'reply'),
  ];
}

/** A message is spelled `message` or `Message` on the wire, and every client of AWS reads both. */
function spelled(known: object, members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { message, Message, ...others } = members;
  const text = message ?? Message;
  const name = 'message' in known ? 'message' : 'Message' in known ? 'Message' : undefined;
  return { ...others, ...(name && text !== undefined ? { [name]: text } : {}) };
}
