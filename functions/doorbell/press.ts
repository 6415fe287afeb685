/** One press: decide, write the override under the first free id, record. */
import { createDecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { authorOf, type Override } from '#model/schedule.ts';
import { type Decided, decide, type Press, type Refusal } from './decide.ts';
import type { DoorbellPorts } from './ports.ts';

export type Pressed =
  | { readonly kind: 'woken'; readonly override: Override }
  | Exclude<Decided, { readonly kind: 'wake' }>;

/** Of several people who press at once one gets the id; the others are decided again, by what that one has written. */
export async function pressed(ports: DoorbellPorts, press: Press, now: Date): Promise<Pressed> {
  const { settings, store } = ports;
  for (let attempt = 0; attempt <= settings.perNight; attempt++) {
    const decided = decide(press, await store.freshNight(now), { settings, now });
    if (decided.kind === 'refused') return refused(ports, press, decided.why);
    if (decided.kind !== 'wake') return decided;
    const override: Override = { id: decided.id, ...decided.override };
    if (!(await store.addIfAbsent(override, now))) continue;
    const reason = `kept up until ${override.until} by ${authorOf(override)}, not verified: ${override.reason}`;
    await record(ports, press, 'override', reason);
    return { kind: 'woken', override };
  }
  return refused(ports, press, 'used-up');
}

const WHY: Readonly<Record<Refusal, (settings: DoorbellPorts['settings']) => string>> = {
  'used-up': ({ perNight }) => `the ${perNight} requests of this night are used`,
  'on-purpose': () => 'somebody with AWS credentials has stopped the cluster',
  'other-night': () => 'the message is of another night',
  'no-night': () => 'the schedule has no stop within 62 days',
  'no-link': () => 'the page was opened without a valid link',
  name: () => 'the name is too long, or no plain text',
  'no-reason': () => 'there is no reason',
  reason: () => 'the reason is too long, or no plain text',
};
/** What a person corrects at once is no decision. */
const OF_THE_FORM: ReadonlySet<Refusal> = new Set(['name', 'no-reason', 'reason', 'no-link']);

async function refused(ports: DoorbellPorts, press: Press, why: Refusal): Promise<Pressed> {
  if (!OF_THE_FORM.has(why))
    await record(ports, press, 'refuse', `refused ${press.author}: ${WHY[why](ports.settings)}`);
  return { kind: 'refused', why };
}

async function record(
  { settings, trail, now }: DoorbellPorts,
  { author, via, name }: Press,
  action: 'override' | 'refuse',
  reason: string,
): Promise<void> {
  const recorder = createDecisionRecorder({
    environment: settings.environment,
    capability: 'doorbell',
    trigger: author,
    now,
    trail,
  });
  const facts = { author, via, ...(name ? { label: name } : {}) };
  recorder.record({ target: settings.cluster, action, reason, facts });
  await recorder.close();
}
