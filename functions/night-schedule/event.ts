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

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
}
