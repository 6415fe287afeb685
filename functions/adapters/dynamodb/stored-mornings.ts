/**
 * The note `mornings` in the table: one line for each morning. Every pass reads 60 of them, and DynamoDB bills each 4 KB:
 * as lines they take a fifth of what they take as objects.
 *
 * `<asked> <promised> <announced> <phases> <open> <rest>`: `asked` in milliseconds, `promised` and `announced` in milliseconds
 * from it, `phases` in seconds as `i3c.n50`; numbers with 36 digits, `-` for what is absent, the rest as JSON.
 */
import { type Morning, noteSchemas } from '#functions/night-schedule/records.ts';
import { isRecord, isValid, type Schema } from '#model/record-schema.ts';

const LETTERS: Readonly<Record<string, string>> = {
  instances: 'i',
  nodes: 'n',
  argocd: 'c',
  applications: 'a',
  url: 'u',
};
const PHASE_OF = new Map(Object.entries(LETTERS).map(([phase, letter]) => [letter, phase]));
const RADIX = 36;
const LINE = /^([0-9a-z]+) (-?[0-9a-z]+|-) (-?[0-9a-z]+|-) ([0-9a-z.]+|-) (o|-)(?: (\{.*\}))?$/s;

/** Every line of it is a morning. */
export const packedMorningsSchema: Schema<readonly unknown[]> = {
  safeParse: (value) =>
    Array.isArray(value) && isValid(noteSchemas.mornings, unpackedMornings(value))
      ? { success: true, data: value }
      : { success: false },
};

/** As it is written. */
export function packedMornings(mornings: readonly Morning[]): readonly unknown[] {
  return mornings.map(packed);
}

/** What was written, or as it is where it is no such list: the schema of the note refuses it. */
export function unpackedMornings(value: unknown): unknown {
  return Array.isArray(value) ? value.map((one) => (typeof one === 'string' ? unpacked(one) : one)) : value;
}

/** A phase that has no letter stays an object. */
function packed(morning: Morning): unknown {
  const { asked, promised, announced, seconds, isOpen, late, fallback } = morning;
  const phases = Object.entries(seconds);
  if (phases.some(([phase]) => LETTERS[phase] === undefined)) return morning;
  const from = Date.parse(asked);
  const offset = (at: string | undefined) =>
    at === undefined ? '-' : (Date.parse(at) - from).toString(RADIX);
  const rest = { ...(late === undefined ? {} : { late }), ...(fallback === undefined ? {} : { fallback }) };
  const line = [
    from.toString(RADIX),
    offset(promised),
    offset(announced),
    phases.map(([phase, took]) => `${LETTERS[phase]}${took.toString(RADIX)}`).join('.') || '-',
    isOpen ? 'o' : '-',
    ...(Object.keys(rest).length > 0 ? [JSON.stringify(rest)] : []),
  ].join(' ');
  return line;
}

/** Undefined where it is no such line. */
function unpacked(line: string): unknown {
  const [, asked, promised, announced, phases, open, rest] = LINE.exec(line) ?? [];
  if (asked === undefined) return undefined;
  const from = Number.parseInt(asked, RADIX);
  const at = (offset = '0') => {
    const date = new Date(from + Number.parseInt(offset, RADIX));
    return Number.isNaN(date.getTime()) ? '' : date.toISOString();
  };
  const seconds = (phases === '-' ? [] : (phases ?? '').split('.')).map((one) => [
    PHASE_OF.get(one.slice(0, 1)),
    Number.parseInt(one.slice(1), RADIX),
  ]);
  if (seconds.some(([phase]) => phase === undefined)) return undefined;
  return {
    asked: at(),
    ...(promised === '-' ? {} : { promised: at(promised) }),
    ...(announced === '-' ? {} : { announced: at(announced) }),
    seconds: Object.fromEntries(seconds),
    ...(open === 'o' ? { isOpen: true } : {}),
    ...restOf(rest),
  };
}

function restOf(text: string | undefined): object {
  try {
    const rest: unknown = JSON.parse(text ?? '{}');
    return isRecord(rest) ? rest : {};
  } catch {
    return {};
  }
}
