import { describe, expect, it } from 'vitest';
import { readProtobuf } from '#lab/http/kubernetes/protobuf.ts';

/** A length-delimited field. */
const field = (number: number, value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
};
const varint = (number: number, ...bytes: number[]) => Buffer.from([number << 3, ...bytes]);
const message = (kind: string, ...fields: Buffer[]) =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, Buffer.concat([field(1, 'v1'), field(2, kind)])),
    field(2, Buffer.concat(fields)),
    field(3, ''),
    field(4, ''),
  ]);

describe('a protobuf body of kubectl', () => {
  it('is read into the object that JSON would have been', () => {
    const body = message(
      'DeleteOptions',
      varint(1, 0xac, 0x02),
      field(2, field(1, 'the-uid')),
      field(4, 'Foreground'),
      field(5, 'All'),
    );
    expect(readProtobuf(body)).toEqual({
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      gracePeriodSeconds: 300,
      preconditions: { uid: 'the-uid' },
      propagationPolicy: 'Foreground',
      dryRun: ['All'],
    });
  });

  it('has maps, repeated messages and numbers that may be percentages', () => {
    const metadata = Buffer.concat([
      field(1, 'api'),
      field(8, ''),
      field(11, Buffer.concat([field(1, 'app'), field(2, 'api')])),
      field(11, Buffer.concat([field(1, 'team'), field(2, 'video')])),
    ]);
    const spec = Buffer.concat([field(3, Buffer.concat([varint(1, 1), varint(2, 0), field(3, '25%')]))]);
    const budget = readProtobuf(
      message('PodDisruptionBudget', field(1, metadata), field(2, spec), field(3, '')),
    );
    expect(budget).toMatchObject({
      metadata: { name: 'api', labels: { app: 'api', team: 'video' } },
      spec: { maxUnavailable: '25%' },
    });
  });

  it('with a field that is not known is refused, unless nothing is in it', () => {
    expect(() => readProtobuf(message('Namespace', field(9, 'something')))).toThrow('send it as JSON');
    expect(readProtobuf(message('Namespace', field(9, varint(1, 0))))).toMatchObject({ kind: 'Namespace' });
  });

  it('of a kind that is not read is 415', () => {
    expect(() => readProtobuf(message('Job'))).toThrow(expect.objectContaining({ code: 415 }));
  });

  it('without its magic is 400', () => {
    expect(() => readProtobuf(Buffer.from('{}'))).toThrow(expect.objectContaining({ code: 400 }));
  });
});
