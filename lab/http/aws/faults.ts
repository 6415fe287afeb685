/** Faults on purpose: throttling, server errors, broken connections. */
import { AwsError } from '../../world/aws/index.ts';
import type { Fault, FaultKind, Faults, Protocol } from './service.ts';

interface Armed {
  readonly fault: Fault;
  left: number;
  skip: number;
}

export function createFaults(): Faults & {
  /** The fault that hits this call, counted down. */
  take(call: { service: string; operation: string; principal: string }): FaultKind | undefined;
} {
  let armed: Armed[] = [];
  return {
    add(fault) {
      const entry = { fault, left: fault.times ?? 1, skip: fault.skip ?? 0 };
      armed.push(entry);
      return () => {
        armed = armed.filter((other) => other !== entry);
      };
    },
    clear() {
      armed = [];
    },
    take(call) {
      if (armed.length === 0) return undefined;
      const entry = armed.find(
        ({ fault }) =>
          (fault.service ?? call.service) === call.service &&
          (fault.operation ?? call.operation) === call.operation &&
          (fault.principal ?? call.principal) === call.principal,
      );
      if (!entry) return undefined;
      if (entry.skip > 0) {
        entry.skip -= 1;
        return undefined;
      }
      entry.left -= 1;
      if (entry.left <= 0) armed = armed.filter((other) => other !== entry);
      return entry.fault.kind;
    },
  };
}

/** Throttling has another error code in each service. */
export function throttled(service: string, protocol: Protocol | undefined): AwsError {
  switch (service) {
    case 'eks':
      return new AwsError('ThrottlingException', 'Rate exceeded', { status: 429 });
    case 'lambda':
      return new AwsError('TooManyRequestsException', 'Rate Exceeded.', { status: 429 });
    case 'ec2':
      return new AwsError('RequestLimitExceeded', 'Request limit exceeded.', { status: 503 });
    default:
      return protocol === 'query'
        ? new AwsError('Throttling', 'Rate exceeded')
        : new AwsError('ThrottlingException', 'Rate exceeded');
  }
}

export function internalFailure(service: string): AwsError {
  const code =
    {
      eks: 'ServerException',
      ec2: 'InternalError',
      dynamodb: 'InternalServerError',
      lambda: 'ServiceException',
    }[service] ?? 'InternalFailure';
  return new AwsError(code, 'The request processing has failed because of an unknown error.', {
    status: 500,
  });
}

export function accessDenied(
  protocol: Protocol,
  denial: {
    readonly callerArn: string;
    readonly action: string;
    readonly resource: string;
    readonly why: string;
  },
) {
  const { callerArn, action, resource, why } = denial;
  const message = `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource} because ${why}`;
  if (protocol === 'ec2')
    return new AwsError(
      'UnauthorizedOperation',
      `You are not authorized to perform this operation. ${message}`,
      { status: 403 },
    );
  if (protocol === 'query') return new AwsError('AccessDenied', message, { status: 403 });
  return new AwsError('AccessDeniedException', message, { status: protocol === 'rest-json' ? 403 : 400 });
}
