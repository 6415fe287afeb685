/**
 * CloudFormation's side of a custom resource: it invokes the function asynchronously and waits for one PUT to a URL.
 * Protocol: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */
import { createServer } from 'node:http';
import type { WorldContext } from '#lab/world/interfaces.ts';
import type { Stack } from './assembly.ts';
import type { CustomResourceSpec } from './deployment.ts';
import { AssemblyError } from './errors.ts';
import type { JsonObject } from './intrinsics.ts';

export type CustomResourceEvent =
  | { readonly RequestType: 'Create' }
  | { readonly RequestType: 'Update'; readonly OldResourceProperties: JsonObject }
  | { readonly RequestType: 'Delete' };

export interface CustomResourceAnswer {
  readonly status: string;
  readonly reason: string;
  readonly physicalId: string;
}

export interface CustomResourceRequest {
  readonly stack: Stack;
  readonly spec: CustomResourceSpec;
  readonly event: CustomResourceEvent;
  /** Absent for a creation. */
  readonly physicalId?: string;
}

/**
 * Runs the clock until the function has answered, or the resource's timeout has passed: then it throws, as a stack fails.
 * An answer after the first has no effect; it is an error here too.
 */
export async function requestCustomResource(
  context: WorldContext,
  invoke: (payload: string) => void,
  { stack, spec, event, physicalId }: CustomResourceRequest,
): Promise<CustomResourceAnswer> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.push(request.method === 'PUT' ? body : '');
      response.writeHead(request.method === 'PUT' ? 200 : 403).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const requestId = context.uuid();
  const stackId = `arn:aws:cloudformation:${stack.region}:${stack.account}:stack/${stack.name}/lab`;
  const same = { StackId: stackId, RequestId: requestId, LogicalResourceId: spec.logicalId };
  try {
    invoke(
      JSON.stringify({
        ...event,
        ...same,
        ResponseURL: `http://127.0.0.1:${port}/${requestId}?signature=lab`,
        ResourceType: 'Custom::Lab',
        ResourceProperties: asTexts(spec.properties),
        ...(physicalId === undefined ? {} : { PhysicalResourceId: physicalId }),
      }),
    );
    const deadline = context.clock.now() + spec.serviceTimeoutSeconds * 1000;
    while (bodies.length === 0 && context.clock.now() < deadline)
      await context.clock.runUntil(Math.min(deadline, context.clock.now() + 1_000));
    return answerOf(bodies, same, spec);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function answerOf(
  bodies: readonly string[],
  same: Readonly<Record<string, string>>,
  spec: CustomResourceSpec,
): CustomResourceAnswer {
  const [body, ...others] = bodies;
  if (body === undefined)
    throw new AssemblyError(
      `the custom resource ${spec.logicalId} did not answer within ${spec.serviceTimeoutSeconds} s`,
    );
  if (others.length > 0) throw new AssemblyError(`${spec.logicalId} answered ${bodies.length} times`);
  if (Buffer.byteLength(body) > 4096)
    throw new AssemblyError(`${spec.logicalId} answered with more than 4096 bytes`);
  const answer = JSON.parse(body) as Record<string, unknown>;
  for (const [name, value] of Object.entries(same))
    if (answer[name] !== value)
      throw new AssemblyError(`${spec.logicalId} answered with the ${name} ${String(answer[name])}`);
  return {
    status: String(answer['Status']),
    reason: String(answer['Reason'] ?? ''),
    physicalId: String(answer['PhysicalResourceId'] ?? ''),
  };
}

/** CloudFormation passes every value as text. */
function asTexts(properties: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null ? value : String(value),
    ]),
  );
}
