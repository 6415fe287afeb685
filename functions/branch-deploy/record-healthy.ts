/** Stores when each application was Healthy after the night: night-schedule learns from it when to start. */
import type { DeployContext } from './ports.ts';
import { ARGOCD_ANSWERED, applicationsOf, type NightMark } from './record.ts';

/** The applications that were not Healthy since the wake. What cannot be read now is read again by the next tick. */
export async function recordHealthy(night: NightMark, context: DeployContext): Promise<readonly string[]> {
  const { settings, argocd, deploys, recorder, now } = context;
  const wokeAt = Date.parse(night.wokeAt ?? now().toISOString());
  const known = new Map(
    (await deploys.healthy()).map(({ application, at }) => [application, Date.parse(at)]),
  );
  const waiting: string[] = [];
  let isAnswered = (known.get(ARGOCD_ANSWERED) ?? 0) >= wokeAt;
  const answered = async () => {
    if (isAnswered) return;
    isAnswered = true;
    await deploys.saveHealthy({ application: ARGOCD_ANSWERED, at: now().toISOString() });
  };
  const left = [...applicationsOf(settings)].filter(([key]) => (known.get(key) ?? 0) < wokeAt);
  await recorder.guardEach(
    left,
    ([, { name }]) => name,
    async ([key, application]) => {
      const read = await argocd.read(application);
      if (read.ok) await answered();
      // What Argo CD showed before it compared again is the evening's health.
      const isOld = read.ok && (read.value.reconciledAt?.getTime() ?? wokeAt) < wokeAt;
      if (!read.ok || isOld || read.value.health !== 'Healthy') return void waiting.push(key);
      await deploys.saveHealthy({ application: key, at: now().toISOString() });
    },
  );
  return waiting;
}
