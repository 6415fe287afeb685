/** Loads the client of Elastic Load Balancing with its first call: twice a night, and in no quiet pass. */
import type { ListenerRules } from '#functions/night-schedule/ports.ts';
import { DOORBELL_VARIABLE, type NightScheduleSettings } from '#model/settings.ts';

/** Undefined where the stack has no doorbell with rules. */
export function lazyListenerRules({
  doorbell,
  dryRun,
}: Pick<NightScheduleSettings, 'doorbell' | 'dryRun'>):
  | { readonly rules: ListenerRules; readonly targetGroup: string }
  | undefined {
  const targetGroup = process.env[DOORBELL_VARIABLE];
  if (!doorbell || dryRun || !targetGroup) return undefined;
  const load = async () => (await import('./listener-rules.ts')).createListenerRules();
  const rules: ListenerRules = {
    list: async (listener) => (await load()).list(listener),
    controllerTag: async (listener) => (await load()).controllerTag(listener),
    create: async (listener, rule) => (await load()).create(listener, rule),
    remove: async (rule) => (await load()).remove(rule),
    areHealthy: async (targetGroups) => (await load()).areHealthy(targetGroups),
  };
  return { rules, targetGroup };
}
