/** The lab's AWS, and what the functions ask of it, held against AWS's own service models. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkedOn } from '../checked-on.ts';
import { recordDay } from './a-recorded-day.ts';
import { callEverything, type EveryOperation, OPERATIONS } from './every-operation.ts';
import { judge, type Verdict } from './models/exchange-faults.ts';
import { forbiddenInputs } from './models/forbidden-inputs.ts';
import { findModels } from './models/service-model.ts';

const models = findModels();
checkedOn(() => models?.version ?? 'botocore');

/** Faults by operation, each once. */
function byOperation(verdicts: readonly Verdict[], faults: (verdict: Verdict) => readonly string[]) {
  const found: Record<string, string[]> = {};
  for (const verdict of verdicts) {
    const all = new Set([...(found[verdict.operation] ?? []), ...faults(verdict)]);
    if (all.size > 0) found[verdict.operation] = [...all];
  }
  return found;
}

describe.skipIf(!models)('a day of the functions on the lab', () => {
  let verdicts: readonly Verdict[];
  beforeAll(async () => {
    if (models) verdicts = (await recordDay()).map((exchange) => judge(models, exchange));
  });

  test('asks AWS only what its models allow', () => {
    expect(new Set(verdicts.map(({ operation }) => operation)).size).toBeGreaterThan(12);
    expect(byOperation(verdicts, ({ requestFaults }) => requestFaults)).toEqual({});
  });

  test('is answered as the models say: members, types, enums, patterns, errors', () => {
    expect(byOperation(verdicts, ({ replyFaults }) => replyFaults)).toEqual({});
  });
});

describe.skipIf(!models)('an operation of the lab', () => {
  let lab: EveryOperation;
  let verdicts: readonly Verdict[];
  beforeAll(async () => {
    if (!models) return;
    lab = await callEverything();
    verdicts = lab.exchanges.map((exchange) => judge(models, exchange));
  });
  afterAll(() => lab?.close());

  test.each(OPERATIONS)('%s answers as its model says, asked well and asked wrong', (operation) => {
    const its = verdicts.filter((verdict) => verdict.operation === operation);
    expect(its.some(({ refusal }) => refusal === undefined)).toBe(true);
    expect(byOperation(its, ({ replyFaults }) => replyFaults)).toEqual({});
  });

  // SNS has no client of the SDK here.
  test.each(OPERATIONS.filter((operation) => operation !== 'sns:Publish'))(
    '%s refuses what its model forbids',
    async (operation) => {
      const good = verdicts.find((verdict) => verdict.operation === operation && !verdict.refusal);
      const [service = '', name = ''] = operation.split(':');
      const model = models?.of(service);
      const input = model?.operations[name]?.input?.shape;
      const accepted: string[] = [];
      if (model && input)
        for (const wrong of forbiddenInputs(model, input, good?.input as Record<string, unknown>)) {
          const status = await lab.ask(operation, wrong.input);
          if (status !== undefined && (status < 400 || status >= 500))
            accepted.push(`${wrong.what}: ${status}`);
        }
      expect(accepted).toEqual([]);
    },
  );
});
