/** What the schemas of the config are built of: each says what to write instead of a wrong value. */
import * as z from 'zod';
import { didYouMean } from '#model/nearest.ts';
import { ownValue } from '#model/own-value.ts';

/** An object that knows its keys: any other key is a problem of its own, with the key that was probably meant. */
export function object<S extends z.ZodRawShape>(
  shape: S,
  hint: string,
  unknownKeys: Record<string, string> = {},
) {
  const keys = Object.keys(shape);
  return z.object(shape, { error: hint }).catchall(
    z.custom<never>(() => false, {
      error: (issue) => {
        const key = String(issue.path?.at(-1));
        return ownValue(unknownKeys, key) ?? `there is no such setting: ${didYouMean(key, keys)}`;
      },
    }),
  );
}

export const text = (hint: string) => z.string({ error: hint }).min(1);
/** Text with further checks, which are left out for an empty text: it is one mistake. */
export const filled = (hint: string) => z.string({ error: hint }).min(1, { abort: true });
export const flag = (hint = 'write true or false') => z.boolean({ error: hint });
export const oneOf = (values: readonly [string, ...string[]]) =>
  z.enum(values, { error: `write ${values.map((value) => `'${value}'`).join(' or ')}` });
export const wholeNumber = (low: number, high: number, unit: string) => {
  const hint = `write a whole number of ${unit} from ${low} to ${high}`;
  return z.int({ error: hint }).min(low).max(high);
};
export const minutes = (low: number, high: number) => wholeNumber(low, high, 'minutes');
export const percent = () => {
  const hint = 'write a whole number from 0 to 100';
  return z.int({ error: hint }).min(0).max(100);
};
export const names = (hint: string) =>
  z.array(text(hint), { error: hint }).refine((list) => new Set(list).size === list.length, {
    error: 'a name is in this list twice: write it once',
  });
/** A check whose message depends on the value: `wrong` returns what is wrong, or undefined. */
export const checked = <T extends z.ZodType<string>>(
  schema: T,
  wrong: (value: string) => string | undefined,
) =>
  schema.superRefine((value, context) => {
    const problem = wrong(value);
    if (problem !== undefined) context.addIssue(problem);
  });

export const clusterName = filled('write the name of the EKS cluster').regex(
  /^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/,
  {
    error:
      'write the name of the EKS cluster: at most 100 letters, digits, hyphens and underscores, not its ARN',
  },
);

export const policyArn = filled('write the ARN of a managed policy').regex(
  /^arn:[\w-]+:iam::(\d{12}|aws):policy\/\S+$/,
  { error: 'write the ARN of a managed policy: "arn:aws:iam::111111111111:policy/…"' },
);
