/** Amazon EventBridge, API version 2015-10-07: PutEvents on the default bus of the caller's account and region. */
import { AwsError, type AwsWorld } from '../../../world/aws/index.ts';
import { parametersOf } from '../parameters.ts';
import { type AwsRequest, type AwsService, unknownOperation } from '../service.ts';

const MOST_ENTRIES = 10;
/** Of all entries of a request together. */
const LONGEST_REQUEST = 262_144;

type Entry = Readonly<Record<string, unknown>>;

export function eventBridgeService(aws: AwsWorld): AwsService {
  return {
    service: 'events',
    protocol: 'json-1.1',
    target: 'AWSEvents',
    resource: ({ region, account }) => `arn:aws:events:${region}:${account}:event-bus/default`,
    handle(request) {
      if (request.operation !== 'PutEvents') return unknownOperation;
      const entries = parametersOf(request, 'ValidationException').structures('Entries') ?? [];
      checkEntries(entries);
      const results = entries.map((entry) => putEvent(aws, request, entry));
      return {
        FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length,
        Entries: results,
      };
    },
  };
}

function checkEntries(entries: readonly Entry[]): void {
  if (entries.length < 1 || entries.length > MOST_ENTRIES)
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length ${entries.length < 1 ? 'greater than or equal to 1' : `less than or equal to ${MOST_ENTRIES}`}`,
    );
  const size = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  if (size > LONGEST_REQUEST)
    throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
}

/** A time counts 14 bytes, texts their length in UTF-8. */
function sizeOf(entry: Entry): number {
  const texts = [entry['Source'], entry['DetailType'], entry['Detail']].map((text) =>
    typeof text === 'string' ? Buffer.byteLength(text) : 0,
  );
  return texts.reduce((sum, bytes) => sum + bytes, entry['Time'] === undefined ? 0 : 14);
}

/** A refused entry does not refuse the request: the reply has an error in its place. */
function putEvent(
  aws: AwsWorld,
  { account, region }: AwsRequest,
  entry: Entry,
): Readonly<Record<string, string>> {
  const [source, detailType, text] = [entry['Source'], entry['DetailType'], entry['Detail']];
  for (const [name, value] of Object.entries({ Source: source, DetailType: detailType, Detail: text }))
    if (typeof value !== 'string' || value === '')
      return refused(
        'InvalidArgument',
        `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
      );
  if (String(source).startsWith('aws.'))
    return refused('NotAuthorizedForSourceException', 'Not authorized for the source.');
  const bus = entry['EventBusName'];
  if (bus !== undefined && !/^(default|arn:aws:events:[\w-]+:\d{12}:event-bus\/default)$/.test(String(bus)))
    throw new AwsError('ResourceNotFoundException', `Event bus ${String(bus)} does not exist.`);
  const detail = objectOf(String(text));
  if (!detail) return refused('MalformedDetail', 'Detail is malformed.');
  const { context } = aws;
  const id = context.uuid();
  const time = typeof entry['Time'] === 'number' ? entry['Time'] * 1_000 : context.clock.now();
  context.signals.emit('event', {
    version: '0',
    id,
    'detail-type': String(detailType),
    source: String(source),
    account,
    time: new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region,
    resources: [],
    detail,
  });
  return { EventId: id };
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const refused = (code: string, message: string) => ({ ErrorCode: code, ErrorMessage: message });
