/** Does somebody hear the alarms? */
import { type Check, whenObserved } from '../finding.ts';

export const subscribers: Check = {
  name: 'subscribers',
  why: 'an alarm that notifies a topic without subscribers reaches nobody',
  evaluate: (facts) =>
    whenObserved([facts.alarmTopic], (topic) => {
      // Before the first deploy there is no topic: the check `deployed` reports that.
      if (topic === undefined) return [];
      const { confirmed, pending } = topic;
      if (confirmed > 0)
        return [{ severity: 'ok', found: `${confirmed} confirmed subscriber${confirmed === 1 ? '' : 's'}` }];
      return [
        {
          severity: 'failure',
          found:
            pending > 0
              ? `nobody has confirmed: ${pending} subscription${pending === 1 ? '' : 's'} of nightshift-${facts.name}-alarms still pending`
              : `nobody is subscribed to nightshift-${facts.name}-alarms`,
          advice:
            pending > 0
              ? 'confirm the e-mail of AWS Notifications'
              : "write notify: { failure: ['oncall@example.com'] } and deploy, or subscribe a chat to the topic",
        },
      ];
    }),
};
