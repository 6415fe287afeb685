/**
 * The partitions of an environment's table. A function may write only into its own: IAM decides by them. The keys in them
 * are in `functions/adapters/dynamodb/table-keys.ts`.
 */
export const NIGHT = 'night';
export const OVERRIDE = 'override';
export const DRAIN = 'drain';
export const DEPLOY = 'deploy';
export const DECISION = 'decision';
export const LEDGER = 'ledger';

export type Partition =
  | typeof NIGHT
  | typeof OVERRIDE
  | typeof DRAIN
  | typeof DEPLOY
  | typeof DECISION
  | typeof LEDGER;
