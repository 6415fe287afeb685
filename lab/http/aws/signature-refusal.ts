/** Signature errors have another code in each protocol. */
import { AwsError } from '../../world/aws/index.ts';
import type { Protocol } from './service.ts';
import type { SignatureError, SignatureProblem } from './signature.ts';

interface Names {
  readonly status: number;
  readonly codes: Readonly<Record<SignatureProblem, string>>;
}

const query: Names = {
  status: 403,
  codes: {
    missing: 'MissingAuthenticationToken',
    incomplete: 'IncompleteSignature',
    'unknown-key': 'InvalidClientTokenId',
    mismatch: 'SignatureDoesNotMatch',
    skewed: 'SignatureDoesNotMatch',
  },
};

const ec2: Names = {
  status: 401,
  codes: {
    missing: 'MissingAuthenticationToken',
    incomplete: 'IncompleteSignature',
    'unknown-key': 'AuthFailure',
    mismatch: 'SignatureDoesNotMatch',
    skewed: 'RequestExpired',
  },
};

const json: Names = {
  status: 400,
  codes: {
    missing: 'MissingAuthenticationTokenException',
    incomplete: 'IncompleteSignatureException',
    'unknown-key': 'UnrecognizedClientException',
    mismatch: 'InvalidSignatureException',
    skewed: 'InvalidSignatureException',
  },
};

const names: Readonly<Record<Protocol, Names>> = {
  query,
  ec2,
  'json-1.0': json,
  'json-1.1': json,
  'rest-json': { ...json, status: 403 },
};

export function signatureRefusal(protocol: Protocol, error: SignatureError): AwsError {
  const { status, codes } = names[protocol];
  return new AwsError(codes[error.problem], error.message, { status, cause: error });
}
