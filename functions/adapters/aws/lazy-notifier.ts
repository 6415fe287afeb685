/** Loads the notifications with the first decision that is recorded: a quiet start needs none of them. */
import type { Decision } from '#model/decision.ts';
import type { NotifierOptions } from './notifications.ts';

/** Undefined where the config names no severity to send. */
export function lazyNotifier(
  options: NotifierOptions,
): ((decisions: readonly Decision[]) => Promise<void>) | undefined {
  if (!options.settings.notify) return undefined;
  let notifier: Promise<((decisions: readonly Decision[]) => Promise<void>) | undefined> | undefined;
  return async (decisions) => {
    notifier ??= import('./notifications.ts').then(({ createNotifier }) => createNotifier(options));
    await (await notifier)?.(decisions);
  };
}
